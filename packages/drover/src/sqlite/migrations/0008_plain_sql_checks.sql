-- The stores count their migrations together. This one is for Postgres, where plain SQL enqueues.
select 1;
