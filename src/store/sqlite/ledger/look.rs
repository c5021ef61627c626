//! Looking at the log: records, checkpoints, proofs.

use crate::audit::proof;
use crate::audit::{Checkpoint, Hash, Verifier};
use crate::store::{Error, NoProof};
use rusqlite::{Connection, OptionalExtension, params};

/// Records from number `from` on.
pub(in crate::store::sqlite) fn records(
    connection: &Connection,
    from: u64,
    limit: u32,
    bytes_max: usize,
) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let sql = "SELECT n, record FROM audit WHERE n >= ?1 ORDER BY n LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![i64::try_from(from).unwrap_or(i64::MAX), limit])?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let record: Vec<u8> = row.get(1)?;
        bytes += record.len();
        found.push((row.get::<_, i64>(0)?.cast_unsigned(), record));
        if bytes >= bytes_max {
            break;
        }
    }
    Ok(found)
}

/// Number of records.
pub(in crate::store::sqlite) fn size(connection: &Connection) -> Result<u64, Error> {
    let size: i64 =
        connection.query_row("SELECT coalesce(max(n), -1) + 1 FROM audit", [], |row| row.get(0))?;
    Ok(size.cast_unsigned())
}

/// The largest checkpoint.
pub(in crate::store::sqlite) fn latest(connection: &Connection) -> Result<Option<String>, Error> {
    let sql = "SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
}

/// All checkpoints with the sizes that they are stored under, the smallest first.
pub(in crate::store::sqlite) fn checkpoints(connection: &Connection) -> Result<Vec<(u64, String)>, Error> {
    let mut statement = connection.prepare("SELECT size, note FROM audit_checkpoint ORDER BY size")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The keys that have signed for this log.
pub(in crate::store::sqlite) fn keys(connection: &Connection) -> Result<Vec<Verifier>, Error> {
    let mut statement = connection.prepare_cached("SELECT vkey FROM audit_key ORDER BY since")?;
    let rows: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let parse = |text: &String| {
        text.parse().map_err(|error| Error::Damaged(format!("table audit_key, `{text}`: {error}")))
    };
    rows.iter().map(parse).collect()
}

/// What a stored checkpoint says, if one of the keys signed it.
pub(in crate::store::sqlite) fn open(note: &str, keys: &[Verifier]) -> Result<Checkpoint, Error> {
    Checkpoint::open(note, keys).map_err(|error| Error::Damaged(format!("table audit_checkpoint: {error}")))
}

/// The root of the first `size` records.
pub(in crate::store::sqlite) fn root(connection: &Connection, size: u64) -> Result<Hash, Error> {
    proof::root_at(size, |height, index| hash(connection, height, index))
}

/// That the first `new` records begin with the first `old`.
pub(in crate::store::sqlite) fn consistency(
    connection: &Connection,
    old: u64,
    new: u64,
) -> Result<Result<Vec<Hash>, NoProof>, Error> {
    if let Some(none) = too_large(connection, new)? {
        return Ok(Err(none));
    }
    sort(proof::consistency(old, new, |height, index| hash(connection, height, index)))
}

/// That record `n` is among the first `size`.
pub(in crate::store::sqlite) fn inclusion(
    connection: &Connection,
    n: u64,
    size: u64,
) -> Result<Result<(Hash, Vec<Hash>), NoProof>, Error> {
    if let Some(none) = too_large(connection, size)? {
        return Ok(Err(none));
    }
    let proof = sort(proof::inclusion(n, size, |height, index| hash(connection, height, index)))?;
    match proof {
        Ok(path) => Ok(Ok((hash(connection, 0, n)?, path))),
        Err(none) => Ok(Err(none)),
    }
}

fn too_large(connection: &Connection, size: u64) -> Result<Option<NoProof>, Error> {
    let found = self::size(connection)?;
    let text = format!("the log has {found} records, not {size}: give a size up to that");
    Ok((size > found).then_some(NoProof(text)))
}

/// Wrong numbers are the asker's mistake, all else is ours.
fn sort<T>(result: Result<T, proof::Error<Error>>) -> Result<Result<T, NoProof>, Error> {
    match result {
        Ok(proof) => Ok(Ok(proof)),
        Err(proof::Error::Source(error)) => Err(error),
        Err(wrong) => Ok(Err(NoProof(wrong.to_string()))),
    }
}

/// A leaf, or a tile.
fn hash(connection: &Connection, height: u32, index: u64) -> Result<Hash, Error> {
    let found: Option<[u8; 32]> = match height {
        0 => connection
            .prepare_cached("SELECT leaf FROM audit WHERE n = ?1")?
            .query_row([index.cast_signed()], |row| row.get(0))
            .optional()?,
        _ => connection
            .prepare_cached("SELECT hash FROM audit_tile WHERE height = ?1 AND idx = ?2")?
            .query_row(params![height, index.cast_signed()], |row| row.get(0))
            .optional()?,
    };
    let missing = || {
        Error::Damaged(format!(
            "the audit log has no hash at height {height}, index {index}; see `liaison audit verify`"
        ))
    };
    found.map(Hash::from_bytes).ok_or_else(missing)
}
