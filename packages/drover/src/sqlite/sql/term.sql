-- name: read_term
-- Called by bids and by leader(). The table has one row.
select term, token, candidate, host, pid, proof, info, elected_at, renewed_at, until_at from drover_term;

-- name: live_term
-- Called by every fenced write and its look before it. No row when the term has ended.
select 1 from drover_term where term = ? and token = ? and until_at > ?;

-- name: begin_term
-- Called by a bid that wins, after read_term in the same write transaction.
update drover_term
set
  term = term + 1,
  token = ?,
  candidate = ?,
  host = ?,
  pid = ?,
  proof = ?,
  info = ?,
  elected_at = ?,
  renewed_at = ?,
  until_at = ?
returning term;

-- name: renew_term
-- Called by renewTerm and by a bid that was sent again. An ended term is never revived.
update drover_term
set renewed_at = ?1, until_at = ?2
where term = ?3 and token = ?4 and until_at > ?1;

-- name: resign_term
-- Called by resignTerm. The number stays, so that the next one is greater.
update drover_term
set token = null, until_at = ?1
where term = ?2 and token = ?3 and until_at > ?1;

-- name: read_turn
-- Called by claimTurn. By primary key.
select at from drover_turn where service = ?;

-- name: take_turn
-- Called by claimTurn when the service is due.
insert into drover_turn (service, at, term)
values (?, ?, ?)
on conflict (service) do update set at = excluded.at, term = excluded.term;

-- name: term_took_turns
-- Called by doctor: whether the services of a term run. As many rows as there are services.
select count(*) from drover_turn where term = ?;

-- name: idle_workers
-- Called by clean before it writes: whether there is a worker to remove. By drover_worker's rows, few of them.
select ref from drover_worker
where ended_at is not null
  and ended_at < coalesce((select at from drover_trail where seq = (select min(seq) from drover_trail)), 9007199254740991)
limit 1;

-- name: ended_workers
-- Called by clean: workers that ended before everything that the trail still tells, so that nothing names them.
delete from drover_worker
where ref in (
  select ref from drover_worker
  where ended_at is not null
    and ended_at < coalesce((select at from drover_trail where seq = (select min(seq) from drover_trail)), 9007199254740991)
  limit ?
);

-- name: silent_queues
-- Called by clean: rows that say no more than no row would. A migration that adds a setting to drover_queue adds it here.
select name from drover_queue
where paused_at is null and slots is null and aging_ms is null and updated_at < ?
limit ?;

-- name: delete_queue
-- Called by clean for each of silent_queues. By primary key.
delete from drover_queue where name = ?;

-- name: add_sample
-- Called by addSamples for each queue.
insert into drover_sample (at, queue, counts, oldest_wait_ms)
values (?, ?, ?, ?)
on conflict (at, queue) do nothing;

-- name: forget_samples
-- Called by addSamples. By primary key, oldest first.
delete from drover_sample
where (at, queue) in (select at, queue from drover_sample where at < ? order by at, queue limit ?);

-- name: samples_of_all
-- Called by samples. By primary key, newest first.
select at, queue, counts, oldest_wait_ms from drover_sample where at >= ? order by at desc, queue desc limit ?;

-- name: samples_of_queue
-- Called by samples. By drover_sample_queue, newest first.
select at, queue, counts, oldest_wait_ms
from drover_sample
where queue = ? and at >= ?
order by at desc
limit ?;
