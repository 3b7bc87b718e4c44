-- name: exchange
-- Called by every exchange: completes attempts, each under its fence, and claims jobs of one queue, in one statement that
-- commits by itself. Completions by primary key, changing no indexed column; claims by job_ready, band by band, each
-- band a lane between two ranks. Claims nothing while a job of these lanes is due and not promoted, unless told so ($15).
-- Claims nothing either when limits or keys decide what may start in one of these lanes; that is claim_limited's to do.
-- Jobs that have expired or must take a key are locked for the moment and named in the reply, not claimed. Every row
-- of the reply is a claimed job; the first one carries what else there is to say. Without work it writes nothing.
with clock as materialized (
  select floor(extract(epoch from now()) * 1000)::bigint as now
),
lease as materialized (
  select case when w.lease_until > clock.now then 1 else 2 end as held
  from {schema}.worker w, clock
  where w.ref = $6::integer and w.token = $7::bigint and w.ended_at is null
),
settling as materialized (
  select nextval('{schema}.trail_seq') as seq where cardinality($1::uuid[]) > 0
),
settled as (
  update {schema}.job j set
    state = 4, worker = null, cancel_worker = null, finished_at = (select now from clock),
    result = (e.result -> 0)::text, reason = null, error = null,
    trail = (select seq from settling) * 1024 + e.n - 1
  from
    rows from (
      unnest($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[]),
      json_array_elements($5::json)
    ) with ordinality as e (id, attempt, token, prev, result, n)
  -- Named twice, so that the ids are looked up also by a plan that was made while there were no jobs.
  where j.id = any ($1::uuid[]) and j.id = e.id and j.state = 2 and j.attempt = e.attempt and j.token = e.token
  returning e.n, j.id,
    256 + octet_length(j.input) + coalesce(octet_length(j.metadata), 0) + coalesce(octet_length(j.result), 0) as bytes
),
told_ends as (
  insert into {schema}.trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts, bytes)
  select
    settling.seq, clock.now, $6::integer, 2, 4,
    case when c.many = cardinality($1::uuid[]) then $1::uuid[]
      else array(
        select s.id from unnest($1::uuid[]) with ordinality u (id, n) left join settled s on s.n = u.n order by u.n)
    end,
    $4::bigint[], $2::integer[], c.bytes
  from clock, settling, (select count(*) as many, sum(s.bytes) as bytes from settled s) c
  where c.many > 0
),
due as materialized (
  select not $15::boolean and exists (
    select from unnest($9::integer[]) l (id)
    -- The limit keeps the planner from reading all jobs that wait, to join them with one lane.
    cross join lateral (
      select from {schema}.job d
      where d.lane = l.id and d.waits = 0 and d.run_at <= (select now from clock)
      order by d.run_at limit 1
    ) d
  ) as first
),
special as materialized (
  select exists (
    select from unnest($9::integer[]) l (id)
    -- Scalar, because the planner may read all rows there are for an "exists" in an "or".
    where (select 1 from {schema}.limited_lane x where x.lane = l.id limit 1) is not null
      or (select 1 from {schema}.track t where t.lane = l.id limit 1) is not null
      or (select 1 from {schema}.job d where d.lane = l.id and d.waits = 5 limit 1) is not null
  ) as limited
),
stored as materialized (
  select q.paused_at, q.aging_ms from {schema}.queue q where q.name = $14::text
),
picked as materialized (
  select
    j.id, j.trail, j.attempt,
    (j.expires_at is null or j.attempt > 0 or j.expires_at > (select now from clock))
    and (j.unique_states is null or (j.unique_states & 4) = 0 or (j.unique_states & 2) <> 0) as fit
  from unnest($9::integer[], $10::bigint[], $11::bigint[], $12::integer[]) b (lane, low, high, most)
  cross join lateral (
    select r.id, r.trail, r.attempt, r.expires_at, r.unique_states
    from {schema}.job r
    where r.lane = b.lane and r.waits = 1 and r.rank >= b.low and r.rank < b.high
    order by r.rank, r.id
    limit b.most
    for no key update skip locked
  ) j
  where (select held from lease) = 1
    and not (select limited from special)
    and not (select first from due)
    and not exists (select from stored where paused_at is not null)
  limit $13::integer
),
claiming as materialized (
  select nextval('{schema}.trail_seq') as seq where exists (select from picked p where p.fit)
),
-- In the order in which they were picked; the number of a transition is its place in here.
taken as materialized (
  select
    array_agg(p.id) as ids,
    array_agg(p.trail) as prevs,
    array_agg(p.attempt + 1) as attempts
  from picked p
  where p.fit
),
started as (
  update {schema}.job j set
    state = 2, waits = null, attempt = j.attempt + 1, worker = $6::integer, token = $8::bigint,
    started_at = (select now from clock), trail = (select seq from claiming) * 1024 + k.n - 1
  from unnest((select ids from taken)) with ordinality as k (id, n)
  where j.id = any ((select ids from taken)::uuid[]) and j.id = k.id
  returning
    k.n, j.id, j.lane, j.attempt, j.trail, j.priority, j.failures, j.crashes, j.interruptions, j.max_attempts,
    j.max_crashes, j.timeout_ms, j.retry, j.input, j.tags, j.metadata, j.enqueued_at, j.run_at, j.unique_states
),
told_starts as (
  insert into {schema}.trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts)
  select claiming.seq, clock.now, $6::integer, 1, 2, taken.ids, taken.prevs, taken.attempts
  from clock, claiming, taken
),
opened as (
  insert into {schema}.claim (worker, seq, token, at, jobs)
  select $6::integer, claiming.seq, $8::bigint, clock.now, taken.ids from clock, claiming, taken
),
closed as (
  delete from {schema}.claim c where c.worker = $6::integer and c.seq = any ($16::bigint[])
)
select
  case when s.n is null or s.n = 1 then h.head end,
  s.id, s.lane, s.attempt, s.trail, s.priority, s.failures, s.crashes, s.interruptions, s.max_attempts,
  s.max_crashes, s.timeout_ms, s.retry, s.input, s.tags, s.metadata, s.enqueued_at, s.run_at, s.unique_states
from (
  select concat(
    coalesce((select held from lease), 0), '/',
    (select first from due)::integer, '/',
    (select now from clock), '/',
    (select aging_ms from stored), '/',
    array_to_string(array(select p.id from picked p where not p.fit), ','), '/',
    case when (select count(*) from settled) = cardinality($1::uuid[]) then '*'
      else array_to_string(array(select n from settled), ',') end, '/',
    (select limited from special)::integer
  ) as head
) h
left join started s on true
order by s.n;

-- name: start_job
-- Called by an exchange that enqueues one plain job: written as running if its worker would claim it now and nothing else,
-- or as waiting like any other. What decides is what a claim looks at, by the same indexes (see exchange).
with clock as materialized (
  select floor(extract(epoch from now()) * 1000)::bigint as now
),
-- Scalar, each by an index: a plan that joins would be made from what the tables held when it was made.
may as materialized (
  select
    (
      select 1 from {schema}.worker w, clock
      where w.ref = $13::integer and w.token = $14::bigint and w.ended_at is null and w.lease_until > clock.now
    ) is not null
    and (select 1 from {schema}.queue q where q.name = $5::text and q.paused_at is not null) is null
    and not exists (
      select from unnest($16::integer[], $17::bigint[], $18::bigint[]) b (lane, low, high)
      where (select 1 from {schema}.limited_lane x where x.lane = b.lane limit 1) is not null
        or (select 1 from {schema}.track t where t.lane = b.lane limit 1) is not null
        or (select 1 from {schema}.job d where d.lane = b.lane and d.waits = 5 limit 1) is not null
        or (
          select 1 from {schema}.job r
          where r.lane = b.lane and r.waits = 1 and r.rank >= b.low and r.rank < b.high limit 1
        ) is not null
        or (
          select 1 from {schema}.job d
          where d.lane = b.lane and d.waits = 0 and d.run_at <= (select now from clock) limit 1
        ) is not null
    ) as start
),
numbers as materialized (
  select
    nextval('{schema}.trail_seq') as queued,
    case when may.start then nextval('{schema}.trail_seq') end as started
  from may
),
added as (
  insert into {schema}.job (
    id, rank, run_at, enqueued_at, trail, token, started_at, expires_at, timeout_ms, lane, attempt, worker, max_attempts,
    max_crashes, state, waits, priority, input, tags, metadata, retry)
  select
    $1::uuid,
    $4::bigint * coalesce((select q.aging_ms from {schema}.queue q where q.name = $5::text), 8796093022208) + clock.now,
    clock.now, clock.now, coalesce(numbers.started, numbers.queued) * 1024,
    case when may.start then $15::bigint end, case when may.start then clock.now end, clock.now + $6::bigint, $7::bigint,
    $3::integer, case when may.start then 1 else 0 end, case when may.start then $13::integer end, $8::integer,
    $9::integer, case when may.start then 2 else 1 end, case when may.start then null else 1 end, $4::smallint, $2::text,
    $10::text, $11::text, $12::text
  from clock, may, numbers
  returning state, trail
),
told_enqueue as (
  insert into {schema}.trail (seq, at, to_state, jobs)
  select numbers.queued, clock.now, 1, array[$1::uuid] from clock, numbers
),
told_start as (
  insert into {schema}.trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts)
  select numbers.started, clock.now, $13::integer, 1, 2, array[$1::uuid], array[numbers.queued * 1024], array[1]
  from clock, numbers where numbers.started is not null
),
opened as (
  insert into {schema}.claim (worker, seq, token, at, jobs)
  select $13::integer, numbers.started, $15::bigint, clock.now, array[$1::uuid]
  from clock, numbers where numbers.started is not null
)
select added.state, added.trail, clock.now from added, clock;

-- name: settle_others
-- Called by exchange for settlements that are no plain completions. Each by primary key, under its fence.
select {schema}.settle_2($1::integer, $2::text::jsonb);

-- name: complete_keyed
-- Called by exchange for completions of jobs with keys under limits. See the function.
select {schema}.complete_keyed_1($6::integer, $1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::json);

-- name: why_not
-- Called by exchange for completions that their fence held off. By primary key, then along the job's trail.
select {schema}.why_not_1($1::integer, e.id, e.attempt, e.token)
from unnest($2::uuid[], $3::integer[], $4::bigint[]) with ordinality e (id, attempt, token, n)
order by e.n;

-- name: promote_due
-- Called by exchange when a job of its lanes is due. By job_due; answers with the jobs that lost their key instead.
select job_id, lane from {schema}.promote_1($1::integer[], $2::integer);

-- name: claim_one_by_one
-- Called by exchange for jobs that have expired or must take a key, and for those that run alone. By primary key.
select job_id, ended_state from {schema}.claim_2($1::integer, $2::bigint, $3::bigint, $4::uuid[], $5::integer);

-- name: held_jobs
-- Called by exchange, when it is sent again or after claim_one_by_one: what the worker runs under a token. By the primary
-- key of claim, then of job.
select
  j.id, j.lane, j.attempt, j.trail, j.priority, j.failures, j.crashes, j.interruptions, j.max_attempts,
  j.max_crashes, j.timeout_ms, j.retry, j.input, j.tags, j.metadata, j.enqueued_at, j.run_at, j.unique_states,
  j.started_at, j.rank, j.keys is not null
from {schema}.claim c
cross join lateral unnest(c.jobs) u (id)
join {schema}.job j on j.id = u.id
where c.worker = $1::integer and c.token = $2::bigint and j.state = 2 and j.worker = $1::integer and j.token = $2::bigint
order by j.rank, j.id;

-- name: claiming_worker
-- Called by exchanges that neither complete nor claim. By primary key.
select case when w.lease_until > floor(extract(epoch from now()) * 1000)::bigint then 1 else 2 end
from {schema}.worker w
where w.ref = $1::integer and w.token = $2::bigint and w.ended_at is null;

-- name: next_alone
-- Called by an exchange that wants a job that runs alone: the first ones of these lanes whose queue is not paused,
-- but for those that it has met. By job_solo.
select j.id, exists (
  select from {schema}.job d
  where d.lane = any ($1::integer[]) and d.waits = 0 and d.run_at <= floor(extract(epoch from now()) * 1000)::bigint
)
from (select 1) one
left join lateral (
  select s.id, s.rank
  from unnest($1::integer[]) l (id)
  join {schema}.lane n on n.id = l.id
  cross join lateral (
    select r.id, r.rank from {schema}.job r where r.lane = l.id and r.waits = 2 and r.id <> all ($2::uuid[])
    order by r.rank, r.id limit 10
  ) s
  where not exists (select from {schema}.queue q where q.name = n.queue and q.paused_at is not null)
    and not exists (select from {schema}.limited_lane x where x.lane = l.id)
  order by s.rank, s.id
  limit 10
) j on true
order by j.rank, j.id;

-- name: next_past
-- Called by an exchange that met jobs whose keys others have locked: the first ones of its bands that wait behind those. By
-- job_ready, nothing locked.
select n.id
from (
  select r.id, r.rank
  from unnest($1::integer[], $2::bigint[], $3::bigint[]) b (lane, low, high)
  join {schema}.lane l on l.id = b.lane
  cross join lateral (
    select j.id, j.rank from {schema}.job j
    where j.lane = b.lane and j.waits = 1 and j.rank >= b.low and j.rank < b.high and j.id <> all ($4::uuid[])
    order by j.rank, j.id limit $5::integer
  ) r
  where not exists (select from {schema}.queue q where q.name = l.queue and q.paused_at is not null)
    and not exists (select from {schema}.limited_lane x where x.lane = b.lane)
  order by r.rank, r.id
  limit $5::integer
) n
order by n.rank, n.id;

-- name: lane_shares
-- Called by exchanges that claim from several lanes: how many of the next jobs are in which lane. By job_ready, lane by
-- lane, nothing locked.
select n.lane, count(*)
from (
  select b.lane, r.rank, r.id
  from unnest($1::integer[], $2::bigint[], $3::bigint[]) b (lane, low, high)
  cross join lateral (
    select j.rank, j.id from {schema}.job j
    where j.lane = b.lane and j.waits = 1 and j.rank >= b.low and j.rank < b.high
    order by j.rank, j.id limit $4::integer
  ) r
  where not exists (select from {schema}.limited_lane x where x.lane = b.lane)
  order by r.rank, r.id
  limit $4::integer
) n
group by n.lane;

-- name: lanes_worth_a_claim
-- Called by exchanges that claim from many queues: the lanes of which a claim may take something, or must say why not. A
-- few look-ups for each lane by job_ready, job_due and those of limits, as in exchange and peek.
select l.id
from unnest($1::integer[], $2::bigint[], $3::bigint[]) l (id, below, low)
where (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 and j.rank < l.below limit 1) is not null
  or (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 and j.rank >= l.low limit 1) is not null
  or (
    select 1 from {schema}.job d
    where d.lane = l.id and d.waits = 0 and d.run_at <= floor(extract(epoch from now()) * 1000)::bigint limit 1
  ) is not null
  or (select 1 from {schema}.limited_lane x where x.lane = l.id limit 1) is not null
  or (select 1 from {schema}.track t where t.lane = l.id limit 1) is not null
  or (select 1 from {schema}.job d where d.lane = l.id and d.waits = 5 limit 1) is not null;

-- name: lanes_of_jobs
-- Called by exchange for jobs that it ended. By primary key.
select j.id, j.lane from {schema}.job j where j.id = any ($1::uuid[]);

-- name: limited_lanes
-- Called by an exchange that wants a job that runs alone: the lanes of which claim_limited must take it.
select l.id from unnest($1::integer[]) l (id)
where exists (select from {schema}.limited_lane x where x.lane = l.id)
  or exists (select from {schema}.track t where t.lane = l.id)
  or exists (select from {schema}.job d where d.lane = l.id and d.waits = 5);

-- name: claim_limited
-- Called by exchanges that claim from lanes with limits or with jobs that have keys. One transaction; see the function.
select jobs, ended, ended_states, held_back, shut_lanes
from {schema}.claim_limited_2(
  $1::integer, $2::bigint, $3::bigint, $4::text, $5::integer[], $6::boolean, $7::integer
);
