-- Who leads, when the leader's services last had their turn, and what they counted.

-- One row: the latest term. It lives while token is not null and until_at is in the future. A write of the leader first
-- locks it "for key share"; only a takeover changes term, which is unique and so a key: it waits for such writes, and
-- renewals, which change no key, do not.
create table {schema}.term (
  one smallint primary key check (one = 1),
  -- Only grows.
  term bigint not null unique,
  token bigint,
  candidate text,
  host text,
  pid integer,
  info text,
  elected_at bigint,
  renewed_at bigint,
  until_at bigint
) with (fillfactor = 50);

insert into {schema}.term (one, term) values (1, 0);

-- When each periodic service of the leader last had its turn, and in which term.
create table {schema}.turn (
  service text primary key,
  at bigint not null,
  term bigint not null
) with (fillfactor = 50);

-- What queues looked like over time.
create table {schema}.sample (
  at bigint not null,
  queue text not null,
  -- In the order of the state codes.
  counts integer[] not null,
  oldest_wait_ms bigint,
  primary key (at, queue)
);

create index sample_queue on {schema}.sample (queue, at);
