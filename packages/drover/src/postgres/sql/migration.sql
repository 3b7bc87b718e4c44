-- The ledger of migrations. SQLite's runner reads its own in one place, so these have no twins there.

-- name: ledger_exists
-- Called before the ledger is read, which a fresh database does not have.
select to_regclass('{schema}.migration') is not null;

-- name: read_ledger
-- Called by open, migrate and doctor. A row for each migration; few.
select number, name, applied_at, min_worker from {schema}.migration order by number;

-- name: add_to_ledger
-- Called once for each migration, in its transaction.
insert into {schema}.migration (number, name, applied_at, min_worker)
values ($1::int, $2::text, (extract(epoch from clock_timestamp()) * 1000)::bigint, $3::int);

-- name: lock_migrations
-- Called first in each migration's transaction: whoever migrates the same schema comes after it.
select pg_advisory_xact_lock(hashtextextended('drover migrate {schema}', 0));

-- name: invalid_indexes
-- Called before indexes are built concurrently: what a killed migrator left half built, of those names.
select c.relname
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '{schema}' and not i.indisvalid and c.relname = any($1::text[]);
