-- Everything Drover keeps about jobs. Times are whole milliseconds since 1970 by the server's clock; states are the
-- codes of store/jobState.ts: 0 scheduled, 1 available, 2 running, 3 retryable, 4 completed, 5 discarded, 6 cancelled.
-- Why the tables are cut this way, with figures: docs/decisions/0010-postgres-tables.md.

-- One lane for each pair of queue and kind. Never deleted, so that a process may remember them.
create table {schema}.lane (
  id integer generated always as identity primary key,
  queue text not null,
  kind text not null,
  unique (queue, kind)
);

-- Numbers of the rows of trail, drawn by the statement that writes them.
create sequence {schema}.trail_seq;

-- A settle changes only columns that no index names, not even in its predicate, so that it is a heap-only update:
-- that is half of the throughput. What indexes look at is waits, which a claim clears; keep it so.
create table {schema}.job (
  id uuid primary key,
  -- Order of claims inside a lane: priority first, then due time (or both mixed, when the queue ages).
  rank bigint not null,
  -- As asked for; a time in the past counts as enqueued_at.
  run_at bigint not null,
  enqueued_at bigint not null,
  -- Number of the newest transition; see trail.
  trail bigint not null,
  -- Kept after the settle, so that a repeated settle is known as such; cleared by a rescue.
  token bigint,
  started_at bigint,
  finished_at bigint,
  expires_at bigint,
  unique_until bigint,
  cancel_at bigint,
  -- finished_at of jobs that were discarded or cancelled: those are few and looked for.
  stopped_at bigint,
  -- null: the kind's. 0: none.
  timeout_ms bigint,
  lane integer not null,
  attempt integer not null default 0,
  -- worker.ref while running.
  worker integer,
  -- worker.ref while running with a cancel request.
  cancel_worker integer,
  failures integer not null default 0,
  crashes integer not null default 0,
  interruptions integer not null default 0,
  max_attempts integer not null,
  max_crashes integer not null,
  state smallint not null check (state between 0 and 6),
  -- What it waits for: 0 its due time, 1 a slot, 2 a process without other jobs. null: it does not wait.
  waits smallint,
  priority smallint not null,
  -- Bit n: the key is held in the state with code n.
  unique_states smallint,
  -- Crashed before, runs alone.
  solo boolean not null default false,
  input text not null,
  -- JSON texts.
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
  -- Waiting, running and finished jobs are what they say.
  check ((state in (0, 1, 3)) = (waits is not null)),
  check ((state = 2) = (worker is not null)),
  check ((state >= 4) = (finished_at is not null))
) with (
  -- Room for the version that a claim writes and the one that a settle writes, in the same page.
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

-- Which jobs a worker took in one claim, instead of an index by worker. A row may go when every job of it was settled:
-- the process that claimed them knows when. Jobs that are running under this worker and token are its; others were settled.
create table {schema}.claim (
  worker integer not null,
  -- trail.seq of the claim.
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

-- Every transition of every job: one row for all jobs that went the same way in one statement, at most 1024. The
-- transition at index i (from 0) of the row has the number seq * 1024 + i. job.trail is the number of a job's newest
-- one and prevs links each to the one before, so that the busiest table needs no index by job.
create table {schema}.trail (
  seq bigint primary key,
  at bigint not null,
  from_state smallint,
  to_state smallint not null,
  -- worker.ref
  worker integer,
  actor text,
  -- null where a job of the batch did not move, or was enqueued before.
  jobs uuid[] not null,
  -- null: none has one (they were enqueued).
  prevs bigint[],
  -- null: all 0.
  attempts integer[],
  -- null: none has one.
  reasons text[],
  errors text[],
  -- Of the rows of jobs that ended, with their payloads.
  bytes bigint
);

-- What ended, oldest first, for retention.
create index trail_ended on {schema}.trail (to_state, at, seq) where to_state >= 4;

create function {schema}.refuse_update() returns trigger
language plpgsql as $$
begin
  raise exception '%.% is append-only', tg_table_schema, tg_table_name;
end
$$;

-- What is told of a transition never changes. The bytes do: they are of jobs that are still there and still ended.
create trigger trail_is_append_only
before update of seq, at, from_state, to_state, worker, actor, jobs, prevs, attempts, reasons, errors on {schema}.trail
for each row execute function {schema}.refuse_update();

-- Kept after the worker ended, because the trail names it; ended ones are pruned with the trail. Who registers again
-- under its old id gets a row of its own, so that a claim of the former one that commits late is known as such.
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
  -- Retired or rescued. Such a worker holds nothing any more, but for claims that were under way.
  ended_at bigint,
  end_reason text
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500
);

create unique index worker_live on {schema}.worker (id) where ended_at is null;

-- Queues of which something is stored; all others have the defaults.
create table {schema}.queue (
  name text primary key,
  paused_at bigint,
  slots integer,
  aging_ms bigint,
  -- When it changed last. Enqueues that were under way then may be placed by the rule before.
  aged_at bigint,
  updated_at bigint not null,
  updated_by text not null
);

-- Unique keys. Checked lazily: the key is held only while its job is in one of its unique_states and unique_until has
-- not passed, so nothing has to be released. Who needs the lock of a key and of a job takes that of the key first.
create table {schema}.hold (
  hash bytea primary key,
  -- null only inside of the transaction that takes the key.
  job uuid,
  -- Id of the latest enqueue that was folded into the job, so that the same one sent twice is one.
  folded uuid,
  -- Throttle: end of the window, and the job that runs then.
  window_until bigint,
  window_job uuid
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

-- How many lines and bytes a job's log has, and how many lines were not kept.
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

-- For people with a SQL prompt.
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
left join {schema}.worker w on w.ref = j.worker;
