-- rootcellar's tables for SQLite, from version $since to $latest.
-- Run it with: sqlite3 -bail FILE < THIS_FILE
-- WAL lets readers and a writer work at once; the file remembers it.
PRAGMA journal_mode=WAL;
BEGIN IMMEDIATE;

$body

COMMIT;
