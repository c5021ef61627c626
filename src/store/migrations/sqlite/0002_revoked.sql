-- Whether a version says that its object is revoked: no later version may follow it.
ALTER TABLE object ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0;
