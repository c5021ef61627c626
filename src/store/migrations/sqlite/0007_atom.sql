-- Plain values that indicators and observables name: the n-th of an object under 4096 * seq + n, so that new
-- ones come at the end, and nothing is moved that could leave copies behind (sqlite/pages.rs). An
-- indicator that cannot be said as a list has one row of kind 0. `source` (stix::atom::Source as JSON) stands
-- in the first row of an object; `until` is when it is over: never if null, 0 if it is revoked.
CREATE TABLE atom (
    key INTEGER PRIMARY KEY, kind INTEGER NOT NULL, value TEXT NOT NULL, until INTEGER, source BLOB);
-- The index by id holds values too. Both are filled anew from the objects at the next start.
DELETE FROM by_id;
DELETE FROM meta WHERE name = 'by_id_floor';
INSERT INTO meta (name, value) VALUES ('atoms_wanted', 1);
-- What somebody has confirmed although a warning list of this version names it.
CREATE TABLE confirmed (object TEXT NOT NULL, list TEXT NOT NULL, version INTEGER NOT NULL,
    who TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (object, list, version)) WITHOUT ROWID;
