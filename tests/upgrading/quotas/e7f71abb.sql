BEGIN TRANSACTION;
CREATE TABLE quota (
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    ends_at REAL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (key, number)
) WITHOUT ROWID
;
INSERT INTO "quota" VALUES('quota/0/-62135596800/key/call volume/x',0,NULL,3);
COMMIT;
