-- Questions about the server and the session, which SQLite has no twin of.

-- name: settle_session
-- Called for every new connection of our own, before anything else runs on it. It finds no row, and changes nothing,
-- behind a pooler: there the server's process is not the one that the connection was told of, and what is set would
-- be left to strangers.
-- Plans are made once and for any values: to plan an enqueue takes longer than to run it. And everything that workers
-- repeat is found by an index, also in a plan that was made while the table was empty and has a million rows now.
select
  set_config('statement_timeout', $2, false),
  set_config('lock_timeout', $3, false),
  set_config('idle_in_transaction_session_timeout', $4, false),
  -- What listens is idle for long.
  set_config('idle_session_timeout', '0', false),
  case
    when current_setting('transaction_timeout', true) is not null
      then set_config('transaction_timeout', $5, false)
  end,
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('synchronous_commit', coalesce($6, current_setting('synchronous_commit')), false),
  set_config('jit', 'off', false),
  set_config('plan_cache_mode', 'force_generic_plan', false),
  set_config('enable_seqscan', 'off', false)
where pg_backend_pid() = $1::int;

-- name: server_facts
-- Called once by open: what the server is. Reads no table.
select
  current_setting('server_version_num')::int,
  current_setting('server_version'),
  current_setting('server_encoding'),
  pg_is_in_recovery();

-- name: tell_change
-- Called after writes, ten times in a row and then at most every 10 ms for each process, on a connection of its own and
-- never with the write: the commit of a transaction that notifies takes a lock that all others of the server wait for.
select pg_notify($1::text, $2::text);
