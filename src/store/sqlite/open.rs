//! Opening a database: settings of the connection, migrations, and what memory needs to know.

use super::checkpoint::empty_log;
use super::classes::Classes;
use super::index::Waiting;
use super::ledger::Log;
use super::{Collection, Readers, Shared, Sqlite, atoms, markings, pages, writer};
use crate::stix::Timestamp;
use crate::store::{Error, PageCache};
use parking_lot::{Condvar, Mutex, RwLock};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

/// How to open a database for serving.
pub struct Options {
    /// The file; made if it is not there.
    pub path: PathBuf,
    /// How many requests read at once.
    pub readers: usize,
    /// Serve although the last `date_added` is far ahead of the clock.
    pub accept_future_watermark: bool,
    /// Told of each change to rows that pages may hold.
    pub cache: Arc<PageCache>,
}

impl Sqlite {
    /// Opens the database and starts the writer.
    pub fn open(options: Options, now: Timestamp) -> Result<Self, Error> {
        let lock = lock(&options.path)?;
        let connection = connect(&options.path, now)?;
        // The writer does it, where a failure is seen.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        quick_check(&connection)?;
        empty_log(&connection)?;
        let collections = collections(&connection)?;
        check_watermarks(&collections, now, options.accept_future_watermark)?;
        let idle: Result<Vec<_>, _> = (0..options.readers.max(1)).map(|_| reader(&options.path)).collect();
        let classes = Classes::load(&connection)?;
        let markings = markings::load(&connection, &classes, &collections)?;
        let shared = Arc::new(Shared {
            readers: Readers { idle: Mutex::new(idle?), returned: Condvar::new() },
            classes: RwLock::new(Arc::new(classes)),
            scopes: RwLock::default(),
            markings: RwLock::new(markings),
            waiting: RwLock::new(Waiting::load(&connection)?),
            filter: super::filter::Lazy::default(),
            wipes_pages: can_wipe(&connection)?,
            sweep: Mutex::default(),
            collections: RwLock::new(collections),
            cache: options.cache,
            arrivals: Mutex::default(),
            log: Log::default(),
        });
        shared.log.load(&connection)?;
        let (jobs, queue) = mpsc::sync_channel(writer::QUEUE);
        let writer = writer::start(connection, shared.clone(), queue)?;
        Ok(Self { shared, jobs: Some(jobs), writer: Some(writer), _lock: Some(lock) })
    }

    /// Opens the database for reading alone, beside whoever serves from it: what comes later is not seen for
    /// certain, and nothing can be written.
    pub fn look(path: &Path, now: Timestamp) -> Result<Self, Error> {
        let connection = connect(path, now)?;
        let collections = collections(&connection)?;
        let classes = Classes::load(&connection)?;
        let markings = markings::load(&connection, &classes, &collections)?;
        let shared = Shared {
            readers: Readers { idle: Mutex::new(vec![reader(path)?]), returned: Condvar::new() },
            classes: RwLock::new(Arc::new(classes)),
            scopes: RwLock::default(),
            markings: RwLock::new(markings),
            waiting: RwLock::default(),
            filter: super::filter::Lazy::default(),
            wipes_pages: false,
            sweep: Mutex::default(),
            collections: RwLock::new(collections),
            cache: Arc::new(PageCache::new(0)),
            arrivals: Mutex::default(),
            log: Log::default(),
        };
        shared.log.load(&connection)?;
        Ok(Self { shared: Arc::new(shared), jobs: None, writer: None, _lock: None })
    }
}

/// Everything that is found wrong with a database without serving it; slow on large ones.
pub fn check(path: &Path, now: Timestamp) -> Result<Vec<String>, Error> {
    let connection = connect(path, now)?;
    let mut problems = Vec::new();
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            problems.push(format!("integrity: {line}"));
        }
    }
    let mut statement = connection.prepare("SELECT seq, id, sha256, json FROM object")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let json = row.get_ref(3)?.as_blob().unwrap_or_default();
        let stored = row.get_ref(2)?.as_blob().unwrap_or_default();
        if crate::store::sha256(json) != stored {
            let (seq, id): (i64, String) = (row.get(0)?, row.get(1)?);
            problems.push(format!("table object, seq {seq} ({id}): the checksum does not match"));
        }
    }
    drop(rows);
    let mut statement = connection.prepare("SELECT submission, id, sha256, json FROM pending")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let json = row.get_ref(3)?.as_blob().unwrap_or_default();
        if crate::store::sha256(json) != row.get_ref(2)?.as_blob().unwrap_or_default() {
            let (submission, id): (String, String) = (row.get(0)?, row.get(1)?);
            problems
                .push(format!("table pending, submission {submission} ({id}): the checksum does not match"));
        }
    }
    if let Err(problem) = super::ledger::verify::verify(&connection, &[])? {
        problems.push(format!("audit log: {problem}"));
    }
    Ok(problems)
}

/// A connection that may write, with the schema up to date.
pub(super) fn connect(path: &Path, now: Timestamp) -> Result<Connection, Error> {
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(Error::Damaged(format!("SQLite {} is too old; 3.51.3 is needed", rusqlite::version())));
    }
    let mut connection = Connection::open(path).map_err(|error| cannot_open(path, &error))?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "page_size", 16_384).map_err(|error| cannot_open(path, &error))?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(|error| cannot_open(path, &error))?;
    // With secure_delete what is erased is gone from the file, too.
    connection.execute_batch(
        "PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;
         PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    keep_plans(&connection)?;
    migrate(&mut connection, now)?;
    atoms::fill(&mut connection)?;
    Ok(connection)
}

fn reader(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    // Look-ups were no slower with less, if anything faster, and each reader takes less memory.
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY;")?;
    rusqlite::vtab::array::load_module(&connection)?;
    keep_plans(&connection)?;
    Ok(connection)
}

/// Otherwise a statement is planned again each time that a `LIMIT` is bound to it.
fn keep_plans(connection: &Connection) -> Result<(), Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> Error {
    Error::Damaged(format!("cannot open the database {}: {error}", path.display()))
}

/// Does a process serve from this database, or write to it alone?
pub fn is_served(path: &Path) -> bool {
    let lock = std::fs::File::open(path.with_extension("lock"));
    lock.is_ok_and(|file| file.try_lock().is_err())
}

/// Whether what is erased can be overwritten wherever copies of it may be.
fn can_wipe(connection: &Connection) -> Result<bool, Error> {
    let can_wipe = pages::can_wipe(connection)?;
    if !can_wipe {
        tracing::warn!(
            "SQLite was built without ENABLE_DBPAGE_VTAB, so single pages may keep copies of what is erased; build where .cargo/config.toml is in force"
        );
    }
    Ok(can_wipe)
}

/// Two servers on one file would give out the same `date_added` twice.
fn lock(path: &Path) -> Result<std::fs::File, Error> {
    let lock = path.with_extension("lock");
    let file = std::fs::File::create(&lock)
        .map_err(|error| Error::Damaged(format!("cannot write {}: {error}", lock.display())))?;
    file.try_lock().map_err(|_| {
        Error::Damaged(format!(
            "another liaison process serves from {}; stop it first, or give this one a store of its own",
            path.display()
        ))
    })?;
    Ok(file)
}

/// Applies the migrations that are missing, each in one transaction.
fn migrate(connection: &mut Connection, now: Timestamp) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, sha256 BLOB NOT NULL, applied INTEGER NOT NULL)",
    )?;
    let applied: Vec<Vec<u8>> = transaction
        .prepare("SELECT sha256 FROM migration ORDER BY number")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if applied.len() > MIGRATIONS.len() {
        return Err(Error::Damaged(
            "the database was made by a newer liaison than this one; use that version or a later one"
                .to_owned(),
        ));
    }
    for (at, text) in MIGRATIONS.iter().enumerate() {
        let sum = crate::store::sha256(text.as_bytes());
        match applied.get(at) {
            Some(known) if known[..] == sum => {}
            Some(_) => {
                let number = at + 1;
                return Err(Error::Damaged(format!(
                    "migration {number} of this database is not the one this liaison knows"
                )));
            }
            None => {
                transaction.execute_batch(text)?;
                let sql = "INSERT INTO migration (number, sha256, applied) VALUES (?1, ?2, ?3)";
                transaction.execute(sql, params![at as i64 + 1, sum, now.micros()])?;
                if at == 0 {
                    make_secrets(&transaction)?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

fn make_secrets(connection: &Connection) -> Result<(), Error> {
    for (name, length) in [("cursor_key", 32), ("epoch", 8)] {
        let mut bytes = vec![0; length];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Backend("no randomness".to_owned()))?;
        connection.execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", params![name, bytes])?;
    }
    Ok(())
}

/// The secret and the epoch of `next` cursors.
pub(super) fn cursor_secret(connection: &Connection) -> Result<([u8; 32], [u8; 8]), Error> {
    let sql = "SELECT value FROM meta WHERE name = ?1";
    let read = |name: &str| connection.query_row(sql, [name], |row| row.get::<_, Vec<u8>>(0));
    let damaged = |_| Error::Damaged("table meta: a secret has the wrong length".to_owned());
    let key = read("cursor_key")?.try_into().map_err(damaged)?;
    let epoch = read("epoch")?.try_into().map_err(damaged)?;
    Ok((key, epoch))
}

/// A fast look at the structure; `liaison check` looks at everything.
fn quick_check(connection: &Connection) -> Result<(), Error> {
    let count: i64 = connection.query_row("SELECT count(*) FROM collection", [], |row| row.get(0))?;
    let newest: Option<(i64, i64, i64)> = connection
        .query_row("SELECT coll, added, seq FROM object ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .map(Some)
        .or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(None),
            other => Err(other),
        })?;
    let Some((coll, added, seq)) = newest else {
        return Ok(());
    };
    let sql = "SELECT count(*) FROM log JOIN collection ON pk = coll WHERE coll = ?1 AND added = ?2 AND seq = ?3 AND added <= last_added";
    let found: i64 = connection.query_row(sql, [coll, added, seq], |row| row.get(0))?;
    if count == 0 || found != 1 {
        return Err(Error::Damaged(
            "the newest object is not in its collection's log; the file is damaged or was put together from parts: restore a backup".to_owned(),
        ));
    }
    Ok(())
}

fn collections(connection: &Connection) -> Result<HashMap<String, Collection>, Error> {
    let mut by_pk: HashMap<i64, (String, Collection)> = HashMap::new();
    let sql = "SELECT pk, id, last_added, EXISTS (SELECT 1 FROM tombstone t WHERE t.coll = pk AND t.cause <> 'deleted') FROM collection";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let pk = row.get(0)?;
        let (last_added, has_erased) = (row.get(2)?, row.get(3)?);
        let collection = Collection { pk, last_added, rows: HashMap::new(), has_erased };
        by_pk.insert(pk, (row.get(1)?, collection));
    }
    let mut statement = connection
        .prepare("SELECT coll, class, count(*) FROM log INDEXED BY log_by_class GROUP BY coll, class")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some((_, collection)) = by_pk.get_mut(&row.get(0)?) {
            collection.rows.insert(row.get(1)?, row.get::<_, i64>(2)?.cast_unsigned());
        }
    }
    Ok(by_pk.into_values().collect())
}

/// A `date_added` far in the future means that the clock was wrong, then or now.
fn check_watermarks(
    collections: &HashMap<String, Collection>,
    now: Timestamp,
    accept: bool,
) -> Result<(), Error> {
    let ahead = collections.iter().find(|(_, found)| found.last_added > now.micros() + FUTURE_MAX_MICROS);
    match ahead {
        Some((id, found)) if !accept => Err(Error::Damaged(format!(
            "collection {id} was last added to at {}, more than 24 hours ahead of the clock ({now}); set the clock, or start with --accept-future-watermark",
            Timestamp::from_micros(found.last_added)
        ))),
        _ => {
            let behind = collections.values().any(|found| found.last_added > now.micros() + BEHIND_MICROS);
            if behind {
                tracing::warn!(
                    "the clock is more than an hour behind the newest objects; date_added goes on from theirs"
                );
            }
            Ok(())
        }
    }
}

const MIGRATIONS: [&str; 12] = [
    include_str!("../migrations/sqlite/0001_init.sql"),
    include_str!("../migrations/sqlite/0002_revoked.sql"),
    include_str!("../migrations/sqlite/0003_handling.sql"),
    include_str!("../migrations/sqlite/0004_audit.sql"),
    include_str!("../migrations/sqlite/0005_review.sql"),
    include_str!("../migrations/sqlite/0006_retention.sql"),
    include_str!("../migrations/sqlite/0007_atom.sql"),
    include_str!("../migrations/sqlite/0008_sync.sql"),
    include_str!("../migrations/sqlite/0009_by_value.sql"),
    include_str!("../migrations/sqlite/0010_together.sql"),
    include_str!("../migrations/sqlite/0011_ending.sql"),
    include_str!("../migrations/sqlite/0012_digests.sql"),
];
/// Older versions have a race at WAL reset that damages the file.
const SQLITE_MIN: i32 = 3_051_003;
const FUTURE_MAX_MICROS: i64 = 24 * 3600 * 1_000_000;
const BEHIND_MICROS: i64 = 3600 * 1_000_000;
