-- name: peek
-- Called by idle workers: what waits for them, without writing. First the worker, then its cancel requests by
-- job_cancelled, then what is stored about queues, then a few look-ups for each lane in job_ready, job_solo and job_due.
with clock as materialized (
  select floor(extract(epoch from now()) * 1000)::bigint as now
)
select 0 as what, null::text as name,
  coalesce((
    select case when w.lease_until > clock.now then 1 else 2 end
    from {schema}.worker w where w.ref = $1::integer and w.token = $2::bigint and w.ended_at is null
  ), 0)::bigint as a,
  null::bigint as b, null::bigint as c, null::bigint as d, null::text as reason
from clock
union all
select 1, j.id::text, j.attempt, null, null, null, j.cancel_reason
from {schema}.job j
where j.cancel_worker is not null and j.cancel_worker = $1::integer and j.state = 2
union all
select 2, q.name, (q.paused_at is not null)::integer, q.slots, q.aging_ms, null, null
from {schema}.queue q
union all
select 3, null, l.id,
  (
    (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 and j.rank < l.below limit 1) is not null
    or (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 and j.rank >= l.low limit 1) is not null
  )::integer
  + coalesce((select 2 from {schema}.job j where j.lane = l.id and j.waits = 2 limit 1), 0)
  + coalesce((
    select case when d.solo then 12 else 4 end from {schema}.job d
    where d.lane = l.id and d.waits = 0 and d.run_at <= clock.now order by d.run_at, d.id limit 1
  ), 0)
  + 16 * (
    (select 1 from {schema}.limited_lane x where x.lane = l.id limit 1) is not null
    or (select 1 from {schema}.track t where t.lane = l.id limit 1) is not null
    or (select 1 from {schema}.job d where d.lane = l.id and d.waits = 5 limit 1) is not null
  )::integer,
  (
    select d.run_at - clock.now from {schema}.job d
    where d.lane = l.id and d.waits = 0 and d.run_at > clock.now order by d.run_at limit 1
  ),
  null, null
from clock, unnest($3::integer[], $4::bigint[], $5::bigint[]) l (id, below, low)
order by 1, 2;

-- name: peek_limits
-- Called by peek for lanes with limits, or with jobs that have keys: what of them may start now.
select lane, is_open, free_at, ordinary, alone, window_at, spread, due, due_at, now_at
from {schema}.look_1($1::integer[]);
