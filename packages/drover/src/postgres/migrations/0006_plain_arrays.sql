-- The arrays of a batch are kept as they are. Compressing them took more than a quarter of the server's time for jobs
-- that do nothing, and ids give little: 0010-postgres-tables.md has the figures. Rows that are there stay readable.
alter table {schema}.trail
  alter jobs set storage external,
  alter prevs set storage external,
  alter attempts set storage external;
alter table {schema}.claim alter jobs set storage external;
