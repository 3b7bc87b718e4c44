-- name: read_term
-- Called by bids, by leader() and by the look before a fenced write. The table has one row; the last column is now.
select term, token, candidate, host, pid, info, elected_at, renewed_at, until_at, {schema}.clock_ms()
from {schema}.term;

-- name: live_term
-- The first statement of every fenced write. The lock keeps a takeover waiting until this transaction has ended, so that
-- nothing of an old term lands after the new one began. No row when the term has ended.
select 1 from {schema}.term
where term = $1::bigint and token = $2::bigint and until_at > {schema}.clock_ms()
for key share;

-- name: begin_term
-- Called by a bid. Changes a key, so it waits for the writes of the term before; what it finds then decides.
update {schema}.term
set
  term = term.term + 1,
  token = $1::bigint,
  candidate = $2::text,
  host = $3::text,
  pid = $4::integer,
  info = $5::text,
  elected_at = {schema}.clock_ms(),
  renewed_at = {schema}.clock_ms(),
  until_at = {schema}.clock_ms() + $6::bigint
where token is null or until_at <= {schema}.clock_ms()
returning term;

-- name: renew_term
-- Called by renewTerm and by a bid that was sent again. An ended term is never revived.
update {schema}.term
set renewed_at = {schema}.clock_ms(), until_at = {schema}.clock_ms() + $3::bigint
where term = $1::bigint and token = $2::bigint and until_at > {schema}.clock_ms()
returning term;

-- name: resign_term
-- Called by resignTerm. The number stays, so that the next one is greater.
update {schema}.term
set token = null, until_at = {schema}.clock_ms()
where term = $1::bigint and token = $2::bigint and until_at > {schema}.clock_ms()
returning term;

-- name: read_turn
-- Called by claimTurn. By primary key: how long until the service is due.
select at + $2::bigint - {schema}.clock_ms() from {schema}.turn where service = $1::text;

-- name: take_turn
-- Called by claimTurn when the service looks due. No row when another took the turn in between.
insert into {schema}.turn (service, at, term)
values ($1::text, {schema}.clock_ms(), $2::bigint)
on conflict (service) do update set at = excluded.at, term = excluded.term
where turn.at + $3::bigint <= excluded.at
returning at;

-- name: term_took_turns
-- Called by doctor: whether the services of a term run. As many rows as there are services.
select count(*) from {schema}.turn where term = $1::bigint;

-- name: idle_workers
-- Called by clean before it writes: whether there is a worker to remove. As many rows as workers of the last weeks.
select w.ref
from {schema}.worker w
where w.ended_at < coalesce((select t.at from {schema}.trail t order by t.seq limit 1), 9223372036854775807)
  and not exists (select from {schema}.claim c where c.worker = w.ref)
limit 1;

-- name: ended_workers
-- Called by clean: workers that ended before everything that the trail still tells, so that nothing names them.
delete from {schema}.worker
where ref in (
  select w.ref
  from {schema}.worker w
  where w.ended_at < coalesce((select t.at from {schema}.trail t order by t.seq limit 1), 9223372036854775807)
    and not exists (select from {schema}.claim c where c.worker = w.ref)
  limit $1::integer
)
returning ref;

-- name: silent_queues
-- Called by clean: rows that say no more than no row would. A migration that adds a setting to queue adds it here.
select name from {schema}.queue
where paused_at is null and slots is null and aging_ms is null and updated_at < {schema}.clock_ms() - $1::bigint
limit $2::integer
for update skip locked;

-- name: delete_queue
-- Called by clean for silent_queues, which are locked. By primary key.
delete from {schema}.queue where name = any ($1::text[]) returning name;

-- name: add_sample
-- Called by addSamples for each queue.
insert into {schema}.sample (at, queue, counts, oldest_wait_ms)
values ({schema}.clock_ms(), $1::text, $2::integer[], $3::bigint)
on conflict (at, queue) do nothing;

-- name: forget_samples
-- Called by addSamples. By primary key, oldest first.
delete from {schema}.sample
where (at, queue) in (
  select s.at, s.queue from {schema}.sample s where s.at < {schema}.clock_ms() - $1::bigint order by s.at, s.queue
  limit $2::integer
)
returning at;

-- name: samples_of_all
-- Called by samples. By primary key, newest first.
select at, queue, counts, oldest_wait_ms
from {schema}.sample
where at >= {schema}.clock_ms() - $1::bigint
order by at desc, queue desc
limit $2::integer;

-- name: samples_of_queue
-- Called by samples. By sample_queue, newest first.
select at, queue, counts, oldest_wait_ms
from {schema}.sample
where queue = $1::text and at >= {schema}.clock_ms() - $2::bigint
order by at desc
limit $3::integer;

-- name: own_backend
-- Called by keepIndexes, so that its statement can be cancelled.
select pg_backend_pid();

-- name: settle_rebuild
-- Called by keepIndexes on a connection of its own: each phase of a rebuild is a transaction that may take minutes.
select
  set_config('lock_timeout', '5s', false),
  set_config('statement_timeout', '0', false),
  case
    when current_setting('transaction_timeout', true) is not null
      then set_config('transaction_timeout', '0', false)
  end;

-- name: cancel_backend
-- Called by keepIndexes when it is stopped mid-way.
select pg_cancel_backend($1::integer);
