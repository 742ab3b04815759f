-- server_max_connections: how many connections the server takes
select @@max_connections

-- server_connections: how many there are now, this one included
select count(*) from information_schema.processlist

-- server_idle_timeout_s: after how many idle seconds the server closes a connection
select @@wait_timeout

-- server_max_allowed_packet: the largest statement, and so the largest result, in bytes
select @@max_allowed_packet

-- server_character_set: of the current database
select @@character_set_database

-- table_rows: an estimate that costs nothing
select table_rows from information_schema.tables where table_schema = coalesce(:schema, database()) and table_name = :table
