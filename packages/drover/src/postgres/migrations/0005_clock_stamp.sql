-- The stores count their migrations together. This one is for SQLite, which has no server whose clock could be asked.
select 1;
