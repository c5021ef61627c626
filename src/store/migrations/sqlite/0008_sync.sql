-- How far each sync job has come, kept in the transaction that stores what came before it.
CREATE TABLE sync_mark (job TEXT NOT NULL PRIMARY KEY, position BLOB NOT NULL) WITHOUT ROWID;
