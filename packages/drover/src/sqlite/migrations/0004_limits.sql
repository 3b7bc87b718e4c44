-- Limits of queues and kinds, and the tracks in which jobs with keys wait; see docs/decisions/0013-limits.md.

-- One row for each limit that code ever declared or an operator set. Changes count up config_generation.
create table drover_limit (
  id integer primary key,
  scope text not null check (scope in ('queue', 'kind')),
  target text not null,
  type text not null check (type in ('concurrency', 'rate', 'fair')),
  -- Name of its key; empty when it holds over all keys.
  by text not null,
  -- JSON of a LimitSetting, as the code of this generation declares it; null when it does not, or not any more.
  declared text,
  generation integer not null,
  -- JSON of a LimitSetting, as an operator set it; goes first.
  setting text,
  set_at integer,
  set_by text,
  -- Fair: the turn of the last start.
  turn integer not null default 0,
  unique (scope, target, type, by)
) strict;

-- JSON of the keys of a job: pairs of limit name and key, in order. For life.
alter table drover_job add column keys text;

-- Lanes in which there ever was a job with keys. Adding one counts up config_generation.
create table drover_keyed_lane (
  lane integer primary key
) strict;

-- The available jobs of one lane with the same keys. drover_job.solo of such a job is the track's id, of all other
-- jobs 0 or 1; so ids begin at 2 and are never used twice. A row goes when nothing waits in it any more.
create table drover_track (
  id integer primary key autoincrement,
  lane integer not null,
  -- 1: its jobs run alone.
  alone integer not null,
  keys text not null,
  -- Rank and seq of its first job. May be those of one that left by another way than a claim, but never later ones.
  rank integer not null,
  first integer not null,
  -- Fair: limit and key whose turn it shares (0 and empty: none), and that turn.
  share_limit integer not null default 0,
  share_key text not null default '',
  turn integer not null default 0,
  -- The limit and key that it waits for, and for a rate the instant at which the window has room.
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

-- A start under a limit of concurrency. It counts while its job is running in this attempt; else it is garbage.
create table drover_limit_use (
  limit_id integer not null,
  key text not null,
  job integer not null,
  attempt integer not null,
  primary key (limit_id, key, job)
) strict, without rowid;

-- Starts under a limit of rate, one row for each instant. `total` grows from row to row, so the starts of a window
-- are a difference; rows that left the window are deleted.
create table drover_limit_start (
  limit_id integer not null,
  key text not null,
  at integer not null,
  starts integer not null,
  -- With those of this instant.
  total integer not null,
  primary key (limit_id, key, at)
) strict, without rowid;

-- Fair: at which turn each key goes next.
create table drover_limit_turn (
  limit_id integer not null,
  key text not null,
  turn integer not null,
  primary key (limit_id, key)
) strict, without rowid;
