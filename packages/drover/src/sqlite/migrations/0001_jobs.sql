-- Everything Drover keeps about jobs. The prefix keeps it apart from the tables of an application that shares
-- the file. Times are whole milliseconds since 1970 by the store's clock; states are the codes of
-- store/jobState.ts: 0 scheduled, 1 available, 2 running, 3 retryable, 4 completed, 5 discarded, 6 cancelled.

create table drover_migration (
  number integer primary key,
  name text not null,
  applied_at integer not null
) strict;

-- One row. Read at the start of every write transaction and written once at its end.
create table drover_pulse (
  one integer primary key check (one = 1),
  -- Random: tells a file that was replaced from the one that was opened.
  instance text not null,
  -- The latest store time that anybody decided by; it never goes back.
  store_at integer not null,
  job_seq integer not null,
  trail_seq integer not null,
  -- Sum of drover_job.bytes over finished jobs.
  finished_bytes integer not null,
  -- Grows when anything changes in drover_queue.
  config_generation integer not null
) strict;

insert into drover_pulse (one, instance, store_at, job_seq, trail_seq, finished_bytes, config_generation)
values (1, lower(hex(randomblob(16))), 0, 0, 0, 0, 0);

-- One lane for each pair of queue and kind. Never deleted, so that a process may remember them.
create table drover_lane (
  id integer primary key,
  queue text not null,
  kind text not null,
  unique (queue, kind)
) strict;

create table drover_job (
  -- Handed out by drover_pulse, never twice. Order of enqueue.
  seq integer primary key,
  id text not null,
  lane integer not null,
  state integer not null check (state between 0 and 6),
  -- Order of claims inside a lane: priority first, then due time (or both mixed, when the queue ages).
  rank integer not null,
  -- As asked for; a time in the past counts as enqueued_at.
  run_at integer not null,
  priority integer not null,
  attempt integer not null default 0,
  -- Kept after the settle, so that a repeated settle is known as such; cleared by a rescue.
  token integer,
  -- drover_worker.ref while running.
  worker integer,
  failures integer not null default 0,
  crashes integer not null default 0,
  interruptions integer not null default 0,
  max_attempts integer not null,
  max_crashes integer not null,
  -- 1: crashed before, runs alone.
  solo integer not null default 0,
  enqueued_at integer not null,
  -- Only while the job was never started.
  expires_at integer,
  started_at integer,
  finished_at integer,
  cancel_at integer,
  cancel_reason text,
  cancel_by text,
  -- drover_trail.seq of the newest transition.
  trail integer not null,
  -- Size of the row with its payloads, set when the job finishes.
  bytes integer not null default 0,
  -- null: the kind's. 0: none.
  timeout_ms integer,
  -- null: the text is in drover_input, out of the way of claims and settles.
  input text,
  tags text,
  metadata text,
  retry text,
  result text,
  reason text,
  error text,
  unique_hash blob,
  -- Bit n: the key is held in the state with code n.
  unique_states integer,
  unique_until integer,
  unique_label text,
  -- Running and finished jobs are what they say.
  check ((state = 2) = (worker is not null)),
  check ((state >= 4) = (finished_at is not null))
) strict;

create unique index drover_job_id on drover_job (id);
create index drover_job_ready on drover_job (lane, solo, rank, seq) where state = 1;
-- The state is there for counts, which else would read every row.
create index drover_job_due on drover_job (lane, run_at, seq, state) where state in (0, 3);
-- With cancel_at, so that the cancel requests of a worker are a range of it.
create index drover_job_running on drover_job (worker, cancel_at) where state = 2;
-- The lane is there for counts.
create index drover_job_finished on drover_job (state, finished_at, lane) where state >= 4;
create index drover_job_expiry on drover_job (expires_at)
where expires_at is not null and attempt = 0 and state in (0, 1);
create index drover_job_key on drover_job (unique_label) where unique_label is not null;

-- Inputs of more than 2 KiB.
create table drover_input (
  job integer primary key,
  body text not null
) strict;

-- Every transition of every job. A job's entries are linked from drover_job.trail through prev, so that the
-- busiest table needs no second index.
create table drover_trail (
  seq integer primary key,
  prev integer,
  job integer not null,
  at integer not null,
  from_state integer,
  to_state integer not null,
  attempt integer not null,
  -- drover_worker.ref
  worker integer,
  actor text,
  reason text,
  error text
) strict;

create trigger drover_trail_is_append_only before update on drover_trail
begin
  select raise(abort, 'drover_trail is append-only');
end;

-- Kept after the worker ended, because the trail names it; ended ones are pruned with the trail.
create table drover_worker (
  ref integer primary key autoincrement,
  id text not null unique,
  token integer not null,
  host text not null,
  pid integer not null,
  -- What tells this process from a later one with the same pid.
  proof text,
  started_at integer not null,
  beat_at integer not null,
  lease_until integer not null,
  info text not null,
  -- Retired or rescued. Such a worker holds nothing any more.
  ended_at integer,
  end_reason text
) strict;

create index drover_worker_live on drover_worker (lease_until) where ended_at is null;

-- Queues of which something is stored; all others have the defaults.
create table drover_queue (
  name text primary key,
  paused_at integer,
  slots integer,
  aging_ms integer,
  updated_at integer not null,
  updated_by text not null
) strict, without rowid;

-- Unique keys. Checked lazily: the key is held only while its job is in one of its unique_states and
-- unique_until has not passed, so nothing has to be released.
create table drover_hold (
  hash blob primary key,
  job integer not null,
  -- Id of the latest enqueue that was folded into the job, so that the same one sent twice is one.
  folded text,
  -- Throttle: end of the window, and the job that runs then.
  window_until integer,
  trailing integer
) strict, without rowid;

create table drover_progress (
  job integer primary key,
  at integer not null,
  value text not null
) strict;

create table drover_log (
  seq integer primary key,
  job integer not null,
  attempt integer not null,
  at integer not null,
  level text not null,
  message text not null,
  fields text
) strict;

create index drover_log_job on drover_log (job);

-- How many lines and bytes a job's log has, and how many lines were not kept.
create table drover_log_count (
  job integer primary key,
  kept integer not null,
  bytes integer not null,
  dropped integer not null
) strict;

create table drover_meta (
  key text primary key,
  value text not null
) strict, without rowid;

-- For people with a SQL prompt.
create view drover_jobs as
select
  j.id,
  l.kind,
  l.queue,
  case j.state
    when 0 then 'scheduled'
    when 1 then 'available'
    when 2 then 'running'
    when 3 then 'retryable'
    when 4 then 'completed'
    when 5 then 'discarded'
    else 'cancelled'
  end as state,
  j.priority,
  j.attempt,
  j.failures,
  j.crashes,
  j.interruptions,
  w.id as worker,
  datetime(j.enqueued_at / 1000.0, 'unixepoch', 'subsec') as enqueued_at,
  datetime(j.run_at / 1000.0, 'unixepoch', 'subsec') as run_at,
  datetime(j.started_at / 1000.0, 'unixepoch', 'subsec') as started_at,
  datetime(j.finished_at / 1000.0, 'unixepoch', 'subsec') as finished_at,
  coalesce(j.input, i.body) as input,
  j.result,
  j.reason,
  j.error,
  j.tags,
  j.metadata,
  j.unique_label as unique_key
from drover_job j
join drover_lane l on l.id = j.lane
left join drover_worker w on w.ref = j.worker
left join drover_input i on i.job = j.seq;
