-- The stores count their migrations together. This one is for Postgres, which compresses large values.
select 1;
