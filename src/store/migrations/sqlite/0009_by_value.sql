-- The index by value apart from that by id: each publish asks for ids, and look-ups alone for values.
CREATE TABLE by_value (hash INTEGER NOT NULL, coll INTEGER NOT NULL, added INTEGER NOT NULL,
    PRIMARY KEY (hash, coll, added)) WITHOUT ROWID;
-- Both are filled anew from the objects at the next start.
DELETE FROM by_id;
DELETE FROM meta WHERE name = 'by_id_floor';
