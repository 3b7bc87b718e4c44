-- name: expire_jobs
-- Called by expire. By job_expiry.
select e.id, l.kind, l.queue
from {schema}.expire_1($1::integer) e
join {schema}.lane l on l.id = e.lane;

-- name: has_expired
-- Called by expire before it writes. By job_expiry.
select exists (
  select from {schema}.job j
  where j.waits is not null and j.attempt = 0 and j.expires_at is not null
    and j.expires_at < floor(extract(epoch from now()) * 1000)::bigint
);

-- name: stopped_by_age
-- Called by prune for discarded and cancelled jobs of an age. By job_stopped, oldest first.
select j.id
from {schema}.job j
where j.state = $1::smallint and j.stopped_at is not null
  and j.stopped_at < floor(extract(epoch from now()) * 1000)::bigint - $2::bigint
order by j.stopped_at
limit $3::integer;

-- name: completed_by_age
-- Called by prune for completed jobs of an age. By trail_ended, oldest first, and the primary key of job: one that ran
-- again since ended elsewhere. The limit inside keeps the planner from reading all jobs there are, to join them with
-- what it takes for a third of the trail and is mostly nothing; the one outside, from sorting all rows that are due. So
-- no offset, group or order may stand between them.
select j.id
from {schema}.trail t
cross join lateral unnest(t.jobs) u (id)
cross join lateral (
  select e.id from {schema}.job e where e.id = u.id and e.state = 4 and e.trail / 1024 = t.seq limit 1
) j
where t.to_state = 4 and t.at < floor(extract(epoch from now()) * 1000)::bigint - $1::bigint
order by t.at, t.seq
limit $2::integer;

-- name: finished_bytes
-- Called by prune at every sweep, and by doctor. Of the rows of the trail in which jobs ended, which may be as many as
-- there are jobs, those in so many pages of 8 KiB: the sum in a trail that has no more, else an estimate. The pages are
-- always the same ones, so that they stay in memory and the figure does not jump.
select coalesce(
  sum(t.bytes) / least(1, $1::float8 * 8192 / greatest(1, pg_relation_size('{schema}.trail'))), 0
)::bigint
from {schema}.trail t
  tablesample system (100 * least(1, $1::float8 * 8192 / greatest(1, pg_relation_size('{schema}.trail')))) repeatable (1)
where t.to_state >= 4;

-- name: oldest_ended
-- Called by prune when there are too many bytes: the oldest finished jobs that make up so many. By trail_ended and the
-- primary key of job, in each state as far as it takes to find jobs, for there may be any number of rows whose jobs all
-- ran again. The three stand apart, because only so each goes along the index.
select s.id
from (
  select e.id, e.at, sum(e.bytes) over (order by e.at, e.id) - e.bytes as before
  from (
    select f.id, f.at, f.bytes
    from (
      (
        select j.id, t.at, j.bytes
        from {schema}.trail t
        cross join lateral unnest(t.jobs) u (id)
        cross join lateral (
          select o.id, {schema}.job_bytes_1(o) as bytes
          from {schema}.job o where o.id = u.id and o.state = 4 and o.trail / 1024 = t.seq limit 1
        ) j
        where t.to_state = 4
        order by t.at, t.seq
        limit $2::integer
      )
      union all
      (
        select j.id, t.at, j.bytes
        from {schema}.trail t
        cross join lateral unnest(t.jobs) u (id)
        cross join lateral (
          select o.id, {schema}.job_bytes_1(o) as bytes
          from {schema}.job o where o.id = u.id and o.state = 5 and o.trail / 1024 = t.seq limit 1
        ) j
        where t.to_state = 5
        order by t.at, t.seq
        limit $2::integer
      )
      union all
      (
        select j.id, t.at, j.bytes
        from {schema}.trail t
        cross join lateral unnest(t.jobs) u (id)
        cross join lateral (
          select o.id, {schema}.job_bytes_1(o) as bytes
          from {schema}.job o where o.id = u.id and o.state = 6 and o.trail / 1024 = t.seq limit 1
        ) j
        where t.to_state = 6
        order by t.at, t.seq
        limit $2::integer
      )
    ) f
    order by f.at, f.id
    limit $2::integer
  ) e
) s
where s.before < $1::bigint
order by s.at, s.id;

-- name: lock_finished
-- Called by prune for jobs that it found: those that still are as they were, and whose unique key nobody has locked, such as
-- an enqueue in a user's transaction, which may stay open for long. By primary keys. It waits for nobody, so that nobody
-- who has a key and waits for its job waits for ever.
with keys as materialized (
  select h.hash from {schema}.hold h
  where h.hash = any (array(
    select k.unique_hash from {schema}.job k where k.id = any ($1::uuid[]) and k.unique_hash is not null
  ))
  for update skip locked
)
select j.id
from {schema}.job j
where j.id = any ($1::uuid[]) and j.state >= 4 and (
  j.unique_hash is null
  or j.unique_hash in (select k.hash from keys k)
  or not exists (select from {schema}.hold h where h.hash = j.unique_hash)
)
for update of j skip locked;
