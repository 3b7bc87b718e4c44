// Made by `npm run sqlgen` from ../migrations/*.sql, where the comments are. Do not edit.

export const migrations = [
  {
    number: 1,
    name: "jobs",
    sql: `create table {schema}.lane (
  id integer generated always as identity primary key,
  queue text not null,
  kind text not null,
  unique (queue, kind)
);
create sequence {schema}.trail_seq;
create table {schema}.job (
  id uuid primary key,
  rank bigint not null,
  run_at bigint not null,
  enqueued_at bigint not null,
  trail bigint not null,
  token bigint,
  started_at bigint,
  finished_at bigint,
  expires_at bigint,
  unique_until bigint,
  cancel_at bigint,
  stopped_at bigint,
  timeout_ms bigint,
  lane integer not null,
  attempt integer not null default 0,
  worker integer,
  cancel_worker integer,
  failures integer not null default 0,
  crashes integer not null default 0,
  interruptions integer not null default 0,
  max_attempts integer not null,
  max_crashes integer not null,
  state smallint not null check (state between 0 and 6),
  waits smallint,
  priority smallint not null,
  unique_states smallint,
  solo boolean not null default false,
  input text not null,
  tags text,
  metadata text,
  retry text,
  result text,
  reason text,
  error text,
  cancel_reason text,
  cancel_by text,
  unique_hash bytea,
  unique_label text,
  check ((state in (0, 1, 3)) = (waits is not null)),
  check ((state = 2) = (worker is not null)),
  check ((state >= 4) = (finished_at is not null))
) with (
  fillfactor = 60,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.05
);
create index job_ready on {schema}.job (lane, rank, id) where waits = 1;
create index job_solo on {schema}.job (lane, rank, id) where waits = 2;
create index job_due on {schema}.job (lane, run_at, id) where waits = 0;
create index job_expiry on {schema}.job (expires_at)
where waits is not null and attempt = 0 and expires_at is not null;
create index job_cancelled on {schema}.job (cancel_worker) where cancel_worker is not null;
create index job_stopped on {schema}.job (stopped_at) where stopped_at is not null;
create index job_key on {schema}.job (unique_label) where unique_label is not null;
create table {schema}.claim (
  worker integer not null,
  seq bigint not null,
  token bigint not null,
  at bigint not null,
  jobs uuid[] not null,
  primary key (worker, seq)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);
create table {schema}.trail (
  seq bigint primary key,
  xid xid8 not null default pg_current_xact_id(),
  at bigint not null,
  from_state smallint,
  to_state smallint not null,
  worker integer,
  actor text,
  jobs uuid[] not null,
  prevs bigint[],
  attempts integer[],
  reasons text[],
  errors text[],
  bytes bigint
);
create index trail_xid on {schema}.trail (xid, seq);
create index trail_ended on {schema}.trail (to_state, at, seq) where to_state >= 4;
create function {schema}.refuse_update() returns trigger
language plpgsql as $$
begin
  raise exception '%.% is append-only', tg_table_schema, tg_table_name;
end
$$;
create trigger trail_is_append_only before update on {schema}.trail
for each row execute function {schema}.refuse_update();
create table {schema}.worker (
  ref integer generated always as identity primary key,
  id text not null,
  token bigint not null,
  host text not null,
  pid integer not null,
  started_at bigint not null,
  beat_at bigint not null,
  lease_until bigint not null,
  info text not null,
  ended_at bigint,
  end_reason text
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500
);
create unique index worker_live on {schema}.worker (id) where ended_at is null;
create table {schema}.queue (
  name text primary key,
  paused_at bigint,
  slots integer,
  aging_ms bigint,
  updated_at bigint not null,
  updated_by text not null
);
create table {schema}.hold (
  hash bytea primary key,
  job uuid,
  folded uuid,
  window_until bigint,
  trailing uuid
);
create table {schema}.progress (
  job uuid primary key,
  at bigint not null,
  value text not null
) with (fillfactor = 70);
create table {schema}.log (
  seq bigint generated always as identity primary key,
  job uuid not null,
  attempt integer not null,
  at bigint not null,
  level text not null,
  message text not null,
  fields text
);
create index log_job on {schema}.log (job, seq);
create table {schema}.log_count (
  job uuid primary key,
  kept integer not null,
  bytes integer not null,
  dropped bigint not null
);
create table {schema}.meta (
  key text primary key,
  value text not null
);
create view {schema}.jobs as
select
  j.id,
  l.kind,
  l.queue,
  (array['scheduled', 'available', 'running', 'retryable', 'completed', 'discarded', 'cancelled'])[j.state + 1] as state,
  j.priority,
  j.attempt,
  j.failures,
  j.crashes,
  j.interruptions,
  w.id as worker,
  to_timestamp(j.enqueued_at / 1000.0) as enqueued_at,
  to_timestamp(j.run_at / 1000.0) as run_at,
  to_timestamp(j.started_at / 1000.0) as started_at,
  to_timestamp(j.finished_at / 1000.0) as finished_at,
  j.input,
  j.result,
  j.reason,
  j.error,
  j.tags,
  j.metadata,
  j.unique_label as unique_key
from {schema}.job j
join {schema}.lane l on l.id = j.lane
left join {schema}.worker w on w.ref = j.worker`,
  },
] as const
