-- server_max_connections: how many connections the server takes
select current_setting('max_connections')::int

-- server_connections: how many there are now, this one included
select count(*) from pg_stat_activity where backend_type = 'client backend'

-- table_rows: an estimate that costs nothing; -1 before the first analyze counts as unknown
select nullif(reltuples, -1)::bigint from pg_class where oid = to_regclass(concat_ws('.', quote_ident(cast(:schema as text)), quote_ident(:table)))
