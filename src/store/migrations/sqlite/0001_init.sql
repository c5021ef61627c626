-- What is told apart by name: secrets, the feed's epoch, how far the index by id has come.
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- The registry as last applied; one row.
CREATE TABLE registry (generation INTEGER PRIMARY KEY, applied INTEGER NOT NULL, text TEXT NOT NULL);

-- `last_added` survives deletion of the newest rows, so that date_added never goes back.
CREATE TABLE collection (pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, last_added INTEGER NOT NULL);

-- Who may see an object, told once for all objects that are alike in this.
CREATE TABLE handling (pk INTEGER PRIMARY KEY, tlp TEXT NOT NULL, owner TEXT NOT NULL, UNIQUE (tlp, owner));

-- Everything a page filter asks about a row: its handling, its type, and the handlings of the
-- versions later and earlier than it. A row is the last version for a reader if the reader sees
-- its handling and none of `later`; so one list of classes says what a page may hold.
CREATE TABLE class (
    pk INTEGER PRIMARY KEY, handling INTEGER NOT NULL, type TEXT NOT NULL, later TEXT NOT NULL, earlier TEXT NOT NULL,
    UNIQUE (handling, type, later, earlier));

-- What was stored, one row a version, in the order of storing; never changed.
CREATE TABLE object (
    seq INTEGER PRIMARY KEY, coll INTEGER NOT NULL, added INTEGER NOT NULL,
    id TEXT NOT NULL, version TEXT NOT NULL, sha256 BLOB NOT NULL, json BLOB NOT NULL);
CREATE TRIGGER object_is_never_changed BEFORE UPDATE ON object
BEGIN SELECT RAISE(ABORT, 'stored versions are never changed'); END;

-- The feed: narrow rows in date_added order, which pages are found by.
CREATE TABLE log (
    coll INTEGER NOT NULL, added INTEGER NOT NULL, class INTEGER NOT NULL, seq INTEGER NOT NULL, version_key NOT NULL,
    PRIMARY KEY (coll, added)) WITHOUT ROWID;
-- For readers who see nearly nothing of a collection.
CREATE INDEX log_by_class ON log (coll, class, added);

-- Where the versions of an id are. Random keys, so filled in sorted slices: see sqlite/index.rs.
CREATE TABLE by_id (hash INTEGER NOT NULL, coll INTEGER NOT NULL, added INTEGER NOT NULL,
    PRIMARY KEY (hash, coll, added)) WITHOUT ROWID;

-- What became of each POST.
CREATE TABLE status (id TEXT PRIMARY KEY, client TEXT NOT NULL, api_root TEXT NOT NULL, received INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX status_by_time ON status (received);

-- What was deleted.
CREATE TABLE tombstone (coll INTEGER NOT NULL, added INTEGER NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL,
    sha256 BLOB NOT NULL, deleted INTEGER NOT NULL, organisation TEXT NOT NULL, PRIMARY KEY (coll, added)) WITHOUT ROWID;
