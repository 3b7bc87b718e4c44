// Made by `npm run sqlgen` from ../migrations/*.sql, where the comments are. Do not edit.

export const migrations = [
  {
    number: 1,
    name: "jobs",
    sql: `create table drover_migration (
  number integer primary key,
  name text not null,
  applied_at integer not null
) strict;
create table drover_pulse (
  one integer primary key check (one = 1),
  instance text not null,
  store_at integer not null,
  job_seq integer not null,
  trail_seq integer not null,
  finished_bytes integer not null,
  config_generation integer not null
) strict;
insert into drover_pulse (one, instance, store_at, job_seq, trail_seq, finished_bytes, config_generation)
values (1, lower(hex(randomblob(16))), 0, 0, 0, 0, 0);
create table drover_lane (
  id integer primary key,
  queue text not null,
  kind text not null,
  unique (queue, kind)
) strict;
create table drover_job (
  seq integer primary key,
  id text not null,
  lane integer not null,
  state integer not null check (state between 0 and 6),
  rank integer not null,
  run_at integer not null,
  priority integer not null,
  attempt integer not null default 0,
  token integer,
  worker integer,
  failures integer not null default 0,
  crashes integer not null default 0,
  interruptions integer not null default 0,
  max_attempts integer not null,
  max_crashes integer not null,
  solo integer not null default 0,
  enqueued_at integer not null,
  expires_at integer,
  started_at integer,
  finished_at integer,
  cancel_at integer,
  cancel_reason text,
  cancel_by text,
  trail integer not null,
  bytes integer not null default 0,
  timeout_ms integer,
  input text,
  tags text,
  metadata text,
  retry text,
  result text,
  reason text,
  error text,
  unique_hash blob,
  unique_states integer,
  unique_until integer,
  unique_label text,
  check ((state = 2) = (worker is not null)),
  check ((state >= 4) = (finished_at is not null))
) strict;
create unique index drover_job_id on drover_job (id);
create index drover_job_ready on drover_job (lane, solo, rank, seq) where state = 1;
create index drover_job_due on drover_job (lane, run_at, seq, state) where state in (0, 3);
create index drover_job_running on drover_job (worker, cancel_at) where state = 2;
create index drover_job_finished on drover_job (state, finished_at, lane) where state >= 4;
create index drover_job_expiry on drover_job (expires_at)
where expires_at is not null and attempt = 0 and state in (0, 1);
create index drover_job_key on drover_job (unique_label) where unique_label is not null;
create table drover_input (
  job integer primary key,
  body text not null
) strict;
create table drover_trail (
  seq integer primary key,
  prev integer,
  job integer not null,
  at integer not null,
  from_state integer,
  to_state integer not null,
  attempt integer not null,
  worker integer,
  actor text,
  reason text,
  error text
) strict;
create trigger drover_trail_is_append_only before update on drover_trail
begin
  select raise(abort, 'drover_trail is append-only');
end;
create table drover_worker (
  ref integer primary key autoincrement,
  id text not null unique,
  token integer not null,
  host text not null,
  pid integer not null,
  proof text,
  started_at integer not null,
  beat_at integer not null,
  lease_until integer not null,
  info text not null,
  ended_at integer,
  end_reason text
) strict;
create index drover_worker_live on drover_worker (lease_until) where ended_at is null;
create table drover_queue (
  name text primary key,
  paused_at integer,
  slots integer,
  aging_ms integer,
  updated_at integer not null,
  updated_by text not null
) strict, without rowid;
create table drover_hold (
  hash blob primary key,
  job integer not null,
  folded text,
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
left join drover_input i on i.job = j.seq`,
  },
  {
    number: 2,
    name: "leadership",
    sql: `create table drover_term (
  one integer primary key check (one = 1),
  term integer not null,
  token integer,
  candidate text,
  host text,
  pid integer,
  proof text,
  info text,
  elected_at integer,
  renewed_at integer,
  until_at integer
) strict;
insert into drover_term (one, term) values (1, 0);
create table drover_turn (
  service text primary key,
  at integer not null,
  term integer not null
) strict, without rowid;
create table drover_sample (
  at integer not null,
  queue text not null,
  counts text not null,
  oldest_wait_ms integer,
  primary key (at, queue)
) strict, without rowid;
create index drover_sample_queue on drover_sample (queue, at)`,
  },
  {
    number: 3,
    name: "schedules",
    sql: `create table drover_schedule (
  id integer primary key autoincrement,
  name text not null unique,
  version integer not null,
  deployment text,
  declared text,
  changed text not null,
  anchor_at integer not null,
  next_at integer,
  fire_at integer,
  held_at integer,
  paused_at integer,
  retired_at integer,
  deleted_at integer,
  failure text,
  last_at integer,
  last_job text,
  ticks integer not null,
  created_at integer not null,
  updated_at integer not null,
  updated_by text not null,
  check (fire_at is null or next_at is not null)
) strict;
create index drover_schedule_due on drover_schedule (fire_at) where fire_at is not null;
create index drover_schedule_held on drover_schedule (held_at) where held_at is not null;
create table drover_tick (
  schedule integer not null,
  n integer not null,
  at integer not null,
  through_at integer not null,
  count integer,
  job text,
  reason text,
  actor text,
  recorded_at integer not null,
  primary key (schedule, n)
) strict, without rowid;
create unique index drover_tick_planned on drover_tick (schedule, at) where actor is null;
create table drover_schedule_change (
  seq integer primary key,
  id text not null unique,
  schedule text not null,
  at integer not null,
  actor text not null,
  action text not null,
  detail text
) strict;
create index drover_schedule_change_of on drover_schedule_change (schedule, seq);
create trigger drover_schedule_change_is_append_only before update on drover_schedule_change
begin
  select raise(abort, 'drover_schedule_change is append-only');
end;
create table drover_schedule_config (
  deployment text not null,
  generation integer not null,
  hash text not null,
  at integer not null,
  primary key (deployment, generation)
) strict, without rowid;
create index drover_schedule_config_hash on drover_schedule_config (deployment, hash, generation)`,
  },
  {
    number: 4,
    name: "limits",
    sql: `create table drover_limit (
  id integer primary key,
  scope text not null check (scope in ('queue', 'kind')),
  target text not null,
  type text not null check (type in ('concurrency', 'rate', 'fair')),
  by text not null,
  declared text,
  generation integer not null,
  setting text,
  set_at integer,
  set_by text,
  turn integer not null default 0,
  unique (scope, target, type, by)
) strict;
alter table drover_job add column keys text;
create table drover_keyed_lane (
  lane integer primary key
) strict;
create table drover_track (
  id integer primary key autoincrement,
  lane integer not null,
  alone integer not null,
  keys text not null,
  rank integer not null,
  first integer not null,
  share_limit integer not null default 0,
  share_key text not null default '',
  turn integer not null default 0,
  blocked_limit integer,
  blocked_key text,
  blocked_until integer,
  unique (lane, alone, keys),
  check ((blocked_limit is null) = (blocked_key is null)),
  check (blocked_until is null or blocked_limit is not null)
) strict;
insert into drover_track (id, lane, alone, keys, rank, first) values (1, 0, 0, '', 0, 0);
delete from drover_track;
create index drover_track_open on drover_track (lane, alone, turn, rank, first) where blocked_limit is null;
create index drover_track_blocked on drover_track (blocked_limit, blocked_key) where blocked_limit is not null;
create index drover_track_window on drover_track (lane, blocked_until) where blocked_until is not null;
create index drover_track_share on drover_track (share_limit, share_key) where share_limit > 0;
create table drover_limit_use (
  limit_id integer not null,
  key text not null,
  job integer not null,
  attempt integer not null,
  primary key (limit_id, key, job)
) strict, without rowid;
create table drover_limit_start (
  limit_id integer not null,
  key text not null,
  at integer not null,
  starts integer not null,
  total integer not null,
  primary key (limit_id, key, at)
) strict, without rowid;
create table drover_limit_turn (
  limit_id integer not null,
  key text not null,
  turn integer not null,
  primary key (limit_id, key)
) strict, without rowid`,
  },
  {
    number: 5,
    name: "clock_stamp",
    sql: `alter table drover_pulse add column stamped_at integer;
alter table drover_pulse add column mono real;
alter table drover_pulse add column mono_origin text`,
  },
  {
    number: 6,
    name: "plain_arrays",
    sql: `select 1`,
  },
  {
    number: 7,
    name: "keyed_completions",
    sql: `select 1`,
  },
  {
    number: 8,
    name: "plain_sql_checks",
    sql: `select 1`,
  },
  {
    number: 9,
    name: "limited_claims",
    sql: `select 1`,
  },
  {
    number: 10,
    name: "keyed_batches",
    sql: `select 1`,
  },
] as const
