-- Who leads, when the leader's services last had their turn, and what they counted.

-- One row: the latest term. It lives while token is not null and until_at is in the future.
create table drover_term (
  one integer primary key check (one = 1),
  -- Only grows.
  term integer not null,
  token integer,
  candidate text,
  host text,
  pid integer,
  -- What tells the holder's process from a later one with the same pid.
  proof text,
  info text,
  elected_at integer,
  renewed_at integer,
  until_at integer
) strict;

insert into drover_term (one, term) values (1, 0);

-- When each periodic service of the leader last had its turn, and in which term.
create table drover_turn (
  service text primary key,
  at integer not null,
  term integer not null
) strict, without rowid;

-- What queues looked like over time.
create table drover_sample (
  at integer not null,
  queue text not null,
  -- JSON array: counts in the order of the state codes.
  counts text not null,
  oldest_wait_ms integer,
  primary key (at, queue)
) strict, without rowid;

create index drover_sample_queue on drover_sample (queue, at);
