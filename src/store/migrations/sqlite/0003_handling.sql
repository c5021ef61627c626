-- Who may see an object: policy::Handling as JSON, since it is more than a level and an owner now.
CREATE TABLE handling_new (pk INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
INSERT INTO handling_new
    SELECT pk, json_object('owner', owner, 'source', 'own', 'terms', json_object('tlp', tlp)) FROM handling;
DROP TABLE handling;
ALTER TABLE handling_new RENAME TO handling;
-- The index by id holds what relationships are about too, and is filled anew from the objects.
DELETE FROM by_id;
DELETE FROM meta WHERE name = 'by_id_floor';
