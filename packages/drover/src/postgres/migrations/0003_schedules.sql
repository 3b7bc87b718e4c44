-- Schedules: what they are, where their pointers stand, what became of their ticks, and who changed what.

create table {schema}.schedule (
  id integer generated always as identity primary key,
  name text collate "C" not null unique,
  -- Grows with every write to the row; writers name the one they have read.
  version bigint not null,
  -- Who declares it in code, and what: null when no code ever did, or does any more.
  deployment text,
  declared text,
  -- JSON object of the fields that operators set.
  changed text not null,
  -- Where an interval is counted from.
  anchor_at bigint not null,
  -- The planned instant that comes next.
  next_at bigint,
  -- When that tick is due with its jitter; null while nothing may fire.
  fire_at bigint,
  -- The planned instant of a tick that waits for the former job to end.
  held_at bigint,
  paused_at bigint,
  retired_at bigint,
  deleted_at bigint,
  failure text,
  -- The latest tick that became a job, and the job's id.
  last_at bigint,
  last_job uuid,
  -- How many lines of history were ever written.
  ticks bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  updated_by text not null,
  check (fire_at is null or next_at is not null)
) with (fillfactor = 50);

create index schedule_due on {schema}.schedule (fire_at) where fire_at is not null;
create index schedule_held on {schema}.schedule (held_at) where held_at is not null;

create table {schema}.tick (
  -- schedule.id
  schedule integer not null,
  n bigint not null,
  at bigint not null,
  -- Later than at for a stretch of planned instants that shares a fate.
  through_at bigint not null,
  -- null: too many to count.
  count bigint,
  job uuid,
  reason text,
  -- Who asked for it, when it was not planned.
  actor text,
  recorded_at bigint not null,
  primary key (schedule, n)
);

-- A planned instant is accounted for once.
create unique index tick_planned on {schema}.tick (schedule, at) where actor is null;

create table {schema}.schedule_change (
  seq bigint generated always as identity primary key,
  -- A change that is sent again is the same change.
  id text not null unique,
  schedule text not null,
  at bigint not null,
  actor text not null,
  action text not null,
  detail text
);

create index schedule_change_of on {schema}.schedule_change (schedule, seq);

-- Which configuration of a deployment came after which.
create table {schema}.schedule_config (
  deployment text not null,
  generation bigint not null,
  hash text not null,
  at bigint not null,
  primary key (deployment, generation)
);

create index schedule_config_hash on {schema}.schedule_config (deployment, hash, generation);
