-- The stores count their migrations together. This one is for Postgres; SQLite writes its batches in its own process.
select 1;
