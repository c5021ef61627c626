-- The audit log: records in their order, with the leaf that each is in the tree (RFC 6962 §2.1).
CREATE TABLE audit (n INTEGER PRIMARY KEY, leaf BLOB NOT NULL, record BLOB NOT NULL);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit records are never deleted'); END;

-- Roots of complete subtrees, from which proofs are made; the frontier is in `meta` as `audit_tree`.
CREATE TABLE audit_tile (height INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (height, idx)) WITHOUT ROWID;

-- Every checkpoint ever signed, and the verifier keys of those who signed.
CREATE TABLE audit_checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL);
CREATE TABLE audit_key (vkey TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;

-- Which records are of pages with a row: those of each collection by length and start of their
-- range, 2^(level-1) <= length < 2^level, so that few are looked at for one row.
CREATE TABLE audit_served (coll INTEGER NOT NULL, level INTEGER NOT NULL, first INTEGER NOT NULL, n INTEGER NOT NULL,
    last INTEGER NOT NULL, PRIMARY KEY (coll, level, first, n)) WITHOUT ROWID;

-- Handlings that a row had before it was raised: pages were served by those.
CREATE TABLE audit_raised (coll INTEGER NOT NULL, added INTEGER NOT NULL, handling INTEGER NOT NULL,
    PRIMARY KEY (coll, added, handling)) WITHOUT ROWID;

-- Who could see what is gone, and how many records the log had before it went.
ALTER TABLE tombstone ADD COLUMN handling INTEGER;
ALTER TABLE tombstone ADD COLUMN log_size INTEGER;
CREATE INDEX tombstone_by_id ON tombstone (id);
