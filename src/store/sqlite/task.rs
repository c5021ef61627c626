//! Orders of the operator's commands: a table that commands write to and that whoever has the writer
//! works off, a batch in each transaction, so that a crash loses nothing and leaves nothing half done.

use super::Sqlite;
use super::erase::{BATCH_MAX, LOOK_MAX, Outcome, Why};
use super::family::family;
use super::hold::{self, Holds};
use super::writer::Work;
use crate::audit::event::Cause;
use crate::stix::Timestamp;
use crate::store::erasure::{Kind, Order, Progress, State, Step, Which};
use crate::store::{Error, id_hash};
use rusqlite::{Connection, OptionalExtension, params};

/// An order with how far it has come.
pub(super) struct Task {
    pub pk: i64,
    pub who: String,
    pub order: Order,
    pub state: State,
    pub progress: Progress,
}

impl Sqlite {
    /// Does a part of the oldest order.
    pub(super) fn step(&self, now: Timestamp) -> Result<Step, Error> {
        let Some(open) = self.shared.readers.with(|connection| front(connection))? else {
            return Ok(Step::Idle);
        };
        let stepped = self.write_much(BATCH_MAX, move |work| step(work, now));
        match stepped {
            Ok(Some(wiping)) => {
                self.wipe()?;
                self.write(move |work| finish(work, wiping))?;
            }
            Ok(None) => {}
            // Otherwise it would fail for ever, and with it what is in the same transaction.
            Err(error @ (Error::Damaged(_) | Error::Backend(_))) => {
                let text = error.to_string();
                self.write(move |work| fail(work, open, &text))?;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        Ok(Step::Worked)
    }
}

/// The oldest open order.
pub(super) fn front(connection: &Connection) -> Result<Option<i64>, Error> {
    let sql = "SELECT min(pk) FROM task WHERE state IN ('waiting', 'running', 'wiping')";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// An order by its number.
pub(super) fn load(connection: &Connection, pk: i64) -> Result<Option<Task>, Error> {
    let sql = "SELECT who, body, state, progress FROM task WHERE pk = ?1";
    let columns = |row: &rusqlite::Row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let row: Option<(String, String, String, String)> =
        connection.prepare_cached(sql)?.query_row([pk], columns).optional()?;
    let Some((who, body, state, progress)) = row else { return Ok(None) };
    let damaged = |error: serde_json::Error| Error::Damaged(format!("table task, pk {pk}: {error}"));
    let state =
        state_of(&state).ok_or_else(|| Error::Damaged(format!("table task, pk {pk}: state `{state}`")))?;
    Ok(Some(Task {
        pk,
        who,
        order: serde_json::from_str(&body).map_err(damaged)?,
        state,
        progress: serde_json::from_str(&progress).map_err(damaged)?,
    }))
}

/// Does a part of the oldest order; its number if only wiping is left.
fn step(work: &mut Work, now: Timestamp) -> Result<Option<i64>, Error> {
    let Some(pk) = front(&work.transaction)? else { return Ok(None) };
    let Some(mut task) = load(&work.transaction, pk)? else { return Ok(None) };
    if task.state == State::Wiping {
        return Ok(Some(pk));
    }
    task.state = match &task.order {
        Order::Erase { which, before, reason } => {
            let why = Why { cause: Cause::Request, reason, who: &task.who, task: Some(pk), now };
            let before = before.unwrap_or(i64::MAX);
            match which {
                Which::Ids(ids) => erase_ids(work, &why, ids, before, &mut task.progress)?,
                Which::Kind(kind) => erase_kind(work, &why, kind, before, &mut task.progress)?,
            }
        }
        Order::Hold { which, reason } => {
            task.progress.hold = Some(hold::add(work, which, &task.who, reason, now)?);
            State::Done
        }
        Order::Lift { hold, reason } => match hold::lift(work, *hold, &task.who, reason, now)? {
            true => State::Done,
            false => {
                task.progress.error =
                    Some(format!("no hold {hold} is in force; `liaison hold list` shows those that are"));
                State::Failed
            }
        },
    };
    save(work, &task)?;
    Ok((task.state == State::Wiping).then_some(pk))
}

/// A batch of named objects.
fn erase_ids(
    work: &mut Work,
    why: &Why,
    ids: &[String],
    before: i64,
    progress: &mut Progress,
) -> Result<State, Error> {
    let holds = Holds::load(&work.transaction)?;
    let collections: Vec<(String, i64)> =
        work.collections.iter().map(|(id, found)| (id.clone(), found.pk)).collect();
    let mut room = BATCH_MAX;
    for _ in 0..BATCH_MAX {
        let at = usize::try_from(progress.position).unwrap_or(usize::MAX);
        let Some(id) = ids.get(at) else { return Ok(ended(progress)) };
        for (collection, coll) in &collections {
            let members = family(work, *coll, id, id_hash(id))?;
            let mut goes = Vec::new();
            for member in members.iter().filter(|member| member.added < before) {
                if !holds.keep(&work.transaction, collection, id, &member.handling.owner)? {
                    goes.push(member.added);
                }
            }
            let is_cut = goes.len() > room;
            goes.truncate(room);
            let Outcome { erased, .. } =
                why.object(work, &holds, (collection, id), members, |member| goes.contains(&member.added))?;
            progress.erased += erased;
            room -= goes.len();
            if is_cut {
                return Ok(State::Running);
            }
        }
        progress.position += 1;
    }
    Ok(State::Running)
}

/// A batch of what a collection holds of a kind.
fn erase_kind(
    work: &mut Work,
    why: &Why,
    kind: &Kind,
    before: i64,
    progress: &mut Progress,
) -> Result<State, Error> {
    let Some(coll) = work.collections.get(&kind.collection).map(|found| found.pk) else {
        return Ok(ended(progress));
    };
    let holds = Holds::load(&work.transaction)?;
    let (mut places, mut looked) = (Vec::new(), 0);
    {
        let sql = "SELECT l.added, l.class, o.id FROM log l CROSS JOIN object o ON o.seq = l.seq
            WHERE l.coll = ?1 AND l.added > ?2 AND l.added < ?3 ORDER BY l.added LIMIT ?4";
        let mut statement = work.transaction.prepare_cached(sql)?;
        let mut rows = statement.query([coll, progress.position, before, LOOK_MAX as i64])?;
        while let Some(row) = rows.next()? {
            let (added, class, id): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let handling = work.classes.class(class).and_then(|class| work.classes.handling(class.handling));
            let owner = handling.map_or("", |found| found.owner.as_str());
            looked += 1;
            progress.position = added;
            if kind.covers(&kind.collection, &id, owner)
                && !holds.keep(&work.transaction, &kind.collection, &id, owner)?
            {
                places.push((coll, added));
            }
            if places.len() >= BATCH_MAX {
                break;
            }
        }
    }
    progress.erased += why.erase(work, &places)?.erased;
    let has_ended = looked < LOOK_MAX && places.len() < BATCH_MAX;
    Ok(if has_ended { ended(progress) } else { State::Running })
}

/// There is nothing to wipe if nothing was erased.
fn ended(progress: &Progress) -> State {
    if progress.erased > 0 { State::Wiping } else { State::Done }
}

fn finish(work: &mut Work, pk: i64) -> Result<(), Error> {
    work.transaction.execute("UPDATE task SET state = 'done' WHERE pk = ?1", [pk])?;
    Ok(())
}

fn fail(work: &mut Work, pk: i64, text: &str) -> Result<(), Error> {
    let progress = Progress { error: Some(text.to_owned()), ..Progress::default() };
    let progress = serde_json::to_string(&progress).unwrap_or_default();
    let sql = "UPDATE task SET state = 'failed', progress = ?2 WHERE pk = ?1";
    work.transaction.execute(sql, params![pk, progress])?;
    Ok(())
}

fn save(work: &mut Work, task: &Task) -> Result<(), Error> {
    let progress =
        serde_json::to_string(&task.progress).map_err(|error| Error::Backend(error.to_string()))?;
    let sql = "UPDATE task SET state = ?2, progress = ?3 WHERE pk = ?1";
    work.transaction.execute(sql, params![task.pk, state_name(task.state), progress])?;
    Ok(())
}

/// A state as the table has it.
pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Running => "running",
        State::Wiping => "wiping",
        State::Done => "done",
        State::Failed => "failed",
    }
}

fn state_of(name: &str) -> Option<State> {
    let all = [State::Waiting, State::Running, State::Wiping, State::Done, State::Failed];
    all.into_iter().find(|state| state_name(*state) == name)
}
