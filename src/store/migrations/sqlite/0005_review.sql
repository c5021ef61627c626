-- Objects that were admitted and wait until an officer releases them. Nothing that readers are served from
-- knows this table. `number` is the place among those of the organisation.
CREATE TABLE pending (
    seq INTEGER PRIMARY KEY, submission TEXT NOT NULL UNIQUE,
    organisation TEXT NOT NULL, number INTEGER NOT NULL, client TEXT NOT NULL, key TEXT,
    api_root TEXT NOT NULL, collection TEXT NOT NULL, received INTEGER NOT NULL,
    id TEXT NOT NULL, version TEXT NOT NULL, version_key NOT NULL, name TEXT,
    handling TEXT NOT NULL, retention_until INTEGER, sha256 BLOB NOT NULL, json BLOB NOT NULL);
CREATE UNIQUE INDEX pending_by_number ON pending (organisation, number);
CREATE UNIQUE INDEX pending_by_version ON pending (organisation, collection, id, version_key);

-- Which statuses tell of a submission: several if it was sent again while it waited.
CREATE TABLE pending_status (submission TEXT NOT NULL, status TEXT NOT NULL, PRIMARY KEY (submission, status)) WITHOUT ROWID;

-- Statuses are kept from their completion on; while something waits there is none.
ALTER TABLE status ADD COLUMN completed INTEGER;
UPDATE status SET completed = received;
DROP INDEX status_by_time;
CREATE INDEX status_by_completion ON status (completed) WHERE completed IS NOT NULL;
