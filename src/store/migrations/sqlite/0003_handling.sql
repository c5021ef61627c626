-- Who may see an object: policy::Handling as JSON, since it is more than a level and an owner now.
CREATE TABLE handling_new (pk INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
INSERT INTO handling_new
    SELECT pk, json_object('owner', owner, 'source', 'own', 'terms', json_object('tlp', tlp)) FROM handling;
DROP TABLE handling;
ALTER TABLE handling_new RENAME TO handling;
-- Several organisations may publish one observable, each under its own handling: a row is no row for a
-- reader who sees one of its twins, which came before it.
CREATE TABLE class_new (
    pk INTEGER PRIMARY KEY, handling INTEGER NOT NULL, type TEXT NOT NULL, later TEXT NOT NULL, earlier TEXT NOT NULL,
    twins TEXT NOT NULL, UNIQUE (handling, type, later, earlier, twins));
INSERT INTO class_new SELECT pk, handling, type, later, earlier, '' FROM class;
DROP TABLE class;
ALTER TABLE class_new RENAME TO class;
-- The index by id holds what relationships are about too, and is filled anew from the objects.
DELETE FROM by_id;
DELETE FROM meta WHERE name = 'by_id_floor';
