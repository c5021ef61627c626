-- When the time of indicators is over, in collections that revoke them then. Filled along the log by whoever asks
-- for it, up to `ending_upto`: publishing does not pay for it, and what was there before is found too.
CREATE TABLE ending (coll INTEGER NOT NULL, due INTEGER NOT NULL, added INTEGER NOT NULL,
    PRIMARY KEY (coll, due, added)) WITHOUT ROWID;
CREATE TABLE ending_upto (coll INTEGER PRIMARY KEY, added INTEGER NOT NULL);
