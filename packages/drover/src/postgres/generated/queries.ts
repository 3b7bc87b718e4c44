// Made by `npm run sqlgen` from ../sql/*.sql, where the comments are. Do not edit.

export const queries = {
  ledger_exists: `select to_regclass('{schema}.migration') is not null`,
  read_ledger: `select number, name, applied_at, min_worker from {schema}.migration order by number`,
  add_to_ledger: `insert into {schema}.migration (number, name, applied_at, min_worker)
values ($1::int, $2::text, (extract(epoch from clock_timestamp()) * 1000)::bigint, $3::int)`,
  lock_migrations: `select pg_advisory_xact_lock(hashtextextended('drover migrate {schema}', 0))`,
  invalid_indexes: `select c.relname
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '{schema}' and not i.indisvalid and c.relname = any($1::text[])`,
  settle_session: `select
  set_config('statement_timeout', $2, false),
  set_config('lock_timeout', $3, false),
  set_config('idle_in_transaction_session_timeout', $4, false),
  case
    when current_setting('transaction_timeout', true) is not null
      then set_config('transaction_timeout', $5, false)
  end,
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('synchronous_commit', coalesce($6, current_setting('synchronous_commit')), false),
  set_config('jit', 'off', false)
where pg_backend_pid() = $1::int`,
  server_facts: `select
  current_setting('server_version_num')::int,
  current_setting('server_version'),
  current_setting('server_encoding'),
  pg_is_in_recovery()`,
} as const
