-- name: job_rows
-- Called by get and list with the ids of the jobs to show; rows come in that order. Each by primary key.
select
  j.id,
  l.kind,
  l.queue,
  j.state,
  j.priority,
  j.attempt,
  j.failures,
  j.crashes,
  j.interruptions,
  j.max_attempts,
  j.max_crashes,
  j.timeout_ms,
  j.retry,
  j.enqueued_at,
  j.run_at,
  j.expires_at,
  j.started_at,
  j.finished_at,
  j.cancel_at,
  j.cancel_by,
  w.id as worker,
  j.input,
  j.result,
  j.metadata,
  j.tags,
  j.error,
  j.reason,
  j.unique_label,
  p.value as progress,
  p.at as progress_at
from unnest($1::uuid[]) with ordinality s (id, n)
join {schema}.job j on j.id = s.id
join {schema}.lane l on l.id = j.lane
left join {schema}.worker w on w.ref = j.worker
left join {schema}.progress p on p.job = j.id
order by s.n;

-- name: trail_of_job
-- Called by trail. Follows the links from the newest entry back, each by primary key; a job that was snoozed a
-- hundred thousand times gives its newest entries.
with recursive chain (n, depth) as (
  select j.trail, 1 from {schema}.job j where j.id = $1::uuid
  union all
  select t.prevs[(c.n % 1024) + 1], c.depth + 1
  from chain c
  join {schema}.trail t on t.seq = c.n / 1024
  where t.prevs[(c.n % 1024) + 1] is not null and c.depth < $2::integer
)
select
  c.n,
  j.id,
  l.kind,
  l.queue,
  t.at,
  t.from_state,
  t.to_state,
  coalesce(t.attempts[(c.n % 1024) + 1], 0),
  w.id,
  t.actor,
  t.reasons[(c.n % 1024) + 1],
  t.errors[(c.n % 1024) + 1]
from chain c
join {schema}.trail t on t.seq = c.n / 1024
join {schema}.job j on j.id = $1::uuid
join {schema}.lane l on l.id = j.lane
left join {schema}.worker w on w.ref = t.worker
order by c.depth desc;

-- name: trail_after
-- Called by trailAfter. A range of the primary key of trail, up to the last row that can be relied on; jobs one by one,
-- for which the limit inside is there.
select
  t.seq * 1024 + u.n - 1,
  j.id,
  l.kind,
  l.queue,
  t.at,
  t.from_state,
  t.to_state,
  coalesce(t.attempts[u.n], 0),
  w.id,
  t.actor,
  t.reasons[u.n],
  t.errors[u.n]
from {schema}.trail t
cross join lateral unnest(t.jobs) with ordinality u (id, n)
cross join lateral (select e.id, e.lane from {schema}.job e where e.id = u.id limit 1) j
join {schema}.lane l on l.id = j.lane
left join {schema}.worker w on w.ref = t.worker
where t.seq >= ($1::bigint + 1) / 1024 and t.seq * 1024 + u.n - 1 > $1::bigint and t.seq <= $2::bigint
order by t.seq, u.n
limit $3::integer;

-- name: trail_drawn
-- Called by trailAfter first: the highest number that anybody has drawn for a row of the trail.
select case when is_called then last_value else 0 end from {schema}.trail_seq;

-- name: trail_writers
-- Called by trailAfter after trail_drawn: the transactions that may have drawn a number and have not ended. Whoever
-- draws one holds this lock until its rows can be seen.
select distinct virtualtransaction
from pg_locks
where locktype = 'relation'
  and relation = '{schema}.trail'::regclass
  and database = (select oid from pg_database where datname = current_database())
  and mode = 'RowExclusiveLock'
  and granted;

-- name: log_lines
-- Called by log. Served by log_job, whose order is that of the lines.
select attempt, at, level, message, fields from {schema}.log where job = $1::uuid order by seq;

-- name: log_count
-- Called by log and appendLog. By primary key.
select kept, bytes, dropped from {schema}.log_count where job = $1::uuid;

-- name: all_queues
-- Called by queueSettings and queueCounts. As many rows as queues were ever changed.
select name, paused_at, slots, aging_ms from {schema}.queue order by name;

-- name: count_waiting
-- Called by queueCounts: a row for each lane, each count a bounded walk of a partial index. What is ready is looked at
-- once for each priority in use, because within one the first is the oldest.
select
  l.queue,
  d.scheduled,
  d.retryable,
  (select count(*) from (
    (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 limit $1::integer)
    union all
    (select 1 from {schema}.job j where j.lane = l.id and j.waits = 2 limit $1::integer)
    union all
    (select 1 from {schema}.track t join {schema}.job j on j.track = t.id and (j.waits = 3 or j.waits = 4)
      where t.lane = l.id limit $1::integer)
  ) ready),
  least(
    (select j.run_at from {schema}.job j where j.lane = l.id and j.waits = 0 order by j.run_at limit 1),
    (select min(j.run_at) from {schema}.job j where j.lane = l.id and j.waits = 2),
    (select j.run_at from {schema}.job j where j.lane = l.id and j.waits = 5 order by j.run_at limit 1),
    (select min(f.run_at) from (select t.id from {schema}.track t where t.lane = l.id limit 1000) t
      cross join lateral (
        select j.run_at from {schema}.job j
        where j.track = t.id and (j.waits = 3 or j.waits = 4) order by j.rank, j.id limit 1
      ) f),
    (with recursive step (run_at, priority, n) as (
      (select j.run_at, j.priority, 1
        from {schema}.job j where j.lane = l.id and j.waits = 1 order by j.rank, j.id limit 1)
      union all
      select x.run_at, x.priority, s.n + 1
      from step s
      cross join lateral (
        select j.run_at, j.priority
        from {schema}.job j
        where j.lane = l.id and j.waits = 1 and j.rank >= (s.priority + 1)::bigint * 8796093022208
        order by j.rank, j.id
        limit 1
      ) x
      where s.n < 50
    ) select min(s.run_at) from step s)
  )
from {schema}.lane l
cross join lateral (
  select count(*) filter (where w.state = 0) as scheduled, count(*) filter (where w.state = 3) as retryable
  from (
    (select j.state from {schema}.job j where j.lane = l.id and j.waits = 0 limit $1::integer)
    union all
    (select j.state from {schema}.job j where j.lane = l.id and j.waits = 5 limit $1::integer)
  ) w
) d;

-- name: count_running
-- Called by queueCounts and doctor. As many rows as there are slots in use, by claim and the primary key of job.
select l.queue, count(*)
from {schema}.job j
join {schema}.lane l on l.id = j.lane
where j.id in (select unnest(c.jobs) from {schema}.claim c) and j.state = 2
group by l.queue;

-- name: count_stopped
-- Called by queueCounts for discarded and cancelled jobs, from the newest end. By job_stopped.
select l.queue, s.state, count(*)
from (
  select j.lane, j.state from {schema}.job j where j.stopped_at is not null order by j.stopped_at desc limit $1::integer
) s
join {schema}.lane l on l.id = s.lane
group by l.queue, s.state;

-- name: count_completed
-- Called by queueCounts, from the newest end. By trail_ended and the primary key of job, one by one: the limit inside
-- keeps the planner from sorting all jobs of all these rows of the trail, to merge them with the table.
select l.queue, count(*)
from (
  select j.lane
  from (
    select t.seq, t.jobs from {schema}.trail t where t.to_state = 4 order by t.at desc, t.seq desc limit $1::integer
  ) t
  cross join lateral unnest(t.jobs) u (id)
  cross join lateral (
    select e.lane from {schema}.job e where e.id = u.id and e.state = 4 and e.trail / 1024 = t.seq limit 1
  ) j
  limit $1::integer
) c
join {schema}.lane l on l.id = c.lane
group by l.queue;

-- name: store_time
-- Called by now, queueCounts and doctor.
select floor(extract(epoch from now()) * 1000)::bigint;
