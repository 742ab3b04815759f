-- rootcellar's tables for PostgreSQL, from version $since to $latest.
-- Run it as the tables' owner: psql -v ON_ERROR_STOP=1 -d DATABASE -f THIS_FILE
-- Workers then need SELECT, INSERT, UPDATE and DELETE on these tables, and SELECT on the version table.
BEGIN;

$body

COMMIT;
