-- name: register_worker
-- Called by registerWorker. Adds the worker, or finds the same registration sent twice. By worker_live.
insert into {schema}.worker (id, token, host, pid, started_at, beat_at, lease_until, info)
select $1::text, $2::bigint, $3::text, $4::integer, now, now, now + $5::bigint, $6::text
from (select {schema}.clock_ms() as now) clock
on conflict (id) where ended_at is null do update
set beat_at = excluded.beat_at, lease_until = excluded.lease_until
where worker.token = excluded.token
returning ref;

-- name: replace_worker
-- Called by registerWorker when a worker with this id is there under another token: it ends, and its jobs are handed back.
update {schema}.worker
set ended_at = {schema}.clock_ms(), end_reason = 'its worker registered again'
where id = $1::text and ended_at is null and token <> $2::bigint
returning ref;

-- name: beat_worker
-- Called by every beat. By primary key, changing no indexed column. An ended worker is never revived.
update {schema}.worker
set beat_at = {schema}.clock_ms(), lease_until = {schema}.clock_ms() + $3::bigint
where ref = $1::integer and token = $2::bigint and ended_at is null
returning ref;

-- name: retire_worker
-- Called by retireWorker, before its jobs are handed back: from then on it claims nothing. By primary key.
update {schema}.worker
set ended_at = {schema}.clock_ms(), end_reason = 'its worker stopped'
where ref = $1::integer and token = $2::bigint and ended_at is null
returning ref;

-- name: lost_workers
-- Called by rescue: workers whose lease ended or that were proved dead, and ended ones with claims that are not closed.
-- Some dozens of rows by worker_live; claim holds as many rows as there are claims under way.
select w.ref, w.id, w.ended_at is not null, coalesce(w.end_reason, '')
from {schema}.worker w
where (w.ended_at is null and (
    ($2::boolean and w.lease_until < floor(extract(epoch from now()) * 1000)::bigint)
    or w.id = any ($1::text[])
  ))
  or (w.ended_at is not null and w.ref in (select c.worker from {schema}.claim c))
order by w.lease_until
limit $3::integer;

-- name: next_lease_end
-- Called by nextLeaseEndMs before each rescue. Some dozens of rows by worker_live. The time is that of lost_workers.
select min(w.lease_until) - floor(extract(epoch from now()) * 1000)::bigint
from {schema}.worker w
where w.ended_at is null and w.lease_until >= floor(extract(epoch from now()) * 1000)::bigint;

-- name: end_lost_worker
-- Called by rescue for each lost worker. Conditional: a beat that came in between keeps it.
update {schema}.worker
set ended_at = {schema}.clock_ms(), end_reason = $3::text
where ref = $1::integer and ended_at is null
  and ($2::boolean or lease_until < floor(extract(epoch from now()) * 1000)::bigint)
returning ref;

-- name: hand_back
-- Called for a worker that has ended. By the primary keys of claim and job.
select job_id, lane, attempt, crashes, state
from {schema}.hand_back_2($1::integer, $2::boolean, $3::text, $4::text, $5::integer);

-- name: close_idle_claims
-- Called by rescue: claims of live workers of which nothing runs any more and that nobody closed, because their last job
-- was settled in a user's transaction or taken away. Old ones only, so that none is under way.
delete from {schema}.claim c
where c.at < floor(extract(epoch from now()) * 1000)::bigint - $1::bigint
  and not exists (
    select from unnest(c.jobs) u (id) join {schema}.job j on j.id = u.id
    where j.state = 2 and j.worker = c.worker and j.token = c.token
  );

-- name: has_idle_claims
-- Called by rescue before close_idle_claims, because looking costs less than writing.
select exists (
  select from {schema}.claim c
  where c.at < floor(extract(epoch from now()) * 1000)::bigint - $1::bigint
    and not exists (
      select from unnest(c.jobs) u (id) join {schema}.job j on j.id = u.id
      where j.state = 2 and j.worker = c.worker and j.token = c.token
    )
);

-- name: own_worker
-- Called by retireWorker, which may be sent again: whether the worker ended under this token. By primary key.
select 1 from {schema}.worker where ref = $1::integer and token = $2::bigint and ended_at is not null;

-- name: live_workers
-- Called by workers(): all that have not ended, with what they run. By worker_live, then the primary keys of claim and job.
select
  w.id, w.host, w.pid, w.started_at, w.beat_at, w.lease_until,
  (
    select count(*)
    from {schema}.claim c
    cross join lateral unnest(c.jobs) u (id)
    join {schema}.job j on j.id = u.id
    where c.worker = w.ref and j.state = 2 and j.worker = w.ref and j.token = c.token
  ),
  w.info
from {schema}.worker w
where w.ended_at is null
order by w.ref
limit 1000;
