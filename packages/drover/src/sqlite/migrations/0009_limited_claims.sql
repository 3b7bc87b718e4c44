-- The stores count their migrations together. This one is for Postgres; SQLite claims in its own process.
select 1;
