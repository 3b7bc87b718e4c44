-- Schedules: what they are, where their pointers stand, what became of their ticks, and who changed what.

create table drover_schedule (
  id integer primary key autoincrement,
  name text not null unique,
  -- Grows with every write to the row; writers name the one they have read.
  version integer not null,
  -- Who declares it in code, and what: null when no code ever did, or does any more.
  deployment text,
  declared text,
  -- JSON object of the fields that operators set.
  changed text not null,
  -- Where an interval is counted from.
  anchor_at integer not null,
  -- The planned instant that comes next.
  next_at integer,
  -- When that tick is due with its jitter; null while nothing may fire.
  fire_at integer,
  -- The planned instant of a tick that waits for the former job to end.
  held_at integer,
  paused_at integer,
  retired_at integer,
  deleted_at integer,
  failure text,
  -- The latest tick that became a job, and the job's id.
  last_at integer,
  last_job text,
  -- How many lines of history were ever written.
  ticks integer not null,
  created_at integer not null,
  updated_at integer not null,
  updated_by text not null,
  check (fire_at is null or next_at is not null)
) strict;

create index drover_schedule_due on drover_schedule (fire_at) where fire_at is not null;
create index drover_schedule_held on drover_schedule (held_at) where held_at is not null;

create table drover_tick (
  -- drover_schedule.id
  schedule integer not null,
  n integer not null,
  at integer not null,
  -- Later than at for a stretch of planned instants that shares a fate.
  through_at integer not null,
  -- null: too many to count.
  count integer,
  job text,
  reason text,
  -- Who asked for it, when it was not planned.
  actor text,
  recorded_at integer not null,
  primary key (schedule, n)
) strict, without rowid;

-- A planned instant is accounted for once.
create unique index drover_tick_planned on drover_tick (schedule, at) where actor is null;

create table drover_schedule_change (
  seq integer primary key,
  -- A change that is sent again is the same change.
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

-- Which configuration of a deployment came after which.
create table drover_schedule_config (
  deployment text not null,
  generation integer not null,
  hash text not null,
  at integer not null,
  primary key (deployment, generation)
) strict, without rowid;

create index drover_schedule_config_hash on drover_schedule_config (deployment, hash, generation);
