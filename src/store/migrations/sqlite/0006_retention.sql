-- Versions whose own markings say until when they may be kept; all others go by their collection's days.
CREATE TABLE expiry (due INTEGER NOT NULL, coll INTEGER NOT NULL, added INTEGER NOT NULL,
    PRIMARY KEY (due, coll, added)) WITHOUT ROWID;
CREATE INDEX expiry_by_row ON expiry (coll, added);

-- Why a version is gone: deleted by its owner, or erased for `retention` or on `request`; erased ones are not taken again.
ALTER TABLE tombstone ADD COLUMN cause TEXT NOT NULL DEFAULT 'deleted';
ALTER TABLE tombstone ADD COLUMN reason TEXT;
ALTER TABLE tombstone ADD COLUMN who TEXT;
ALTER TABLE tombstone ADD COLUMN task INTEGER;
CREATE INDEX tombstone_erased ON tombstone (coll, id) WHERE cause <> 'deleted';
CREATE INDEX tombstone_of_task ON tombstone (task) WHERE task IS NOT NULL;

-- Legal holds: on named objects (hold_object), or on all of a collection that are of a type and an owner.
CREATE TABLE hold (pk INTEGER PRIMARY KEY, added INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,
    collection TEXT, type TEXT, owner TEXT, lifted INTEGER, lifted_by TEXT, lifted_reason TEXT);
CREATE TABLE hold_object (id TEXT NOT NULL, hold INTEGER NOT NULL, PRIMARY KEY (id, hold)) WITHOUT ROWID;

-- What commands ask of whoever has the writer: erasures and holds, as JSON, with how far each has come.
CREATE TABLE task (pk INTEGER PRIMARY KEY, asked INTEGER NOT NULL, who TEXT NOT NULL, body TEXT NOT NULL,
    state TEXT NOT NULL, progress TEXT NOT NULL);
CREATE INDEX task_open ON task (pk) WHERE state IN ('waiting', 'running', 'wiping');
