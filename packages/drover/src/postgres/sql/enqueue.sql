-- name: add_jobs
-- Called by enqueue for jobs without unique keys that differ in id and input only. Fails as a whole when an id is there
-- already: then enqueue_each says which. One row of the trail for each 1024 jobs.
with plan as materialized (
  select
    t.now, t.run_at,
    greatest(t.run_at, t.now) as order_at,
    (case when t.run_at <= t.now then 1 else 0 end)::smallint as state,
    $6::bigint * coalesce((select q.aging_ms from {schema}.queue q where q.name = $7::text), 8796093022208)
      + greatest(t.run_at, t.now) as rank,
    array(select nextval('{schema}.trail_seq') from generate_series(0, (cardinality($1::uuid[]) - 1) / 1024)) as seqs
  from (
    select c.now, coalesce($5::bigint, c.now + $4::bigint) as run_at
    from (select floor(extract(epoch from now()) * 1000)::bigint as now) c
  ) t
),
added as (
  insert into {schema}.job (
    id, rank, run_at, enqueued_at, trail, expires_at, timeout_ms, lane, max_attempts, max_crashes, state, waits, priority,
    input, tags, metadata, retry)
  select
    e.id, p.rank, p.run_at, p.now, p.seqs[(e.n - 1) / 1024 + 1] * 1024 + (e.n - 1) % 1024, p.order_at + $8::bigint,
    $9::bigint, $3::integer, $10::integer, $11::integer, p.state, p.state, $6::smallint, e.input::text, $12::text,
    $13::text, $14::text
  from rows from (unnest($1::uuid[]), json_array_elements($2::json)) with ordinality as e (id, input, n)
  cross join plan p
)
insert into {schema}.trail (seq, at, to_state, jobs)
select s.seq, p.now, p.state, ($1::uuid[])[(s.c - 1) * 1024 + 1 : s.c * 1024]
from plan p cross join unnest(p.seqs) with ordinality s (seq, c)
returning to_state;

-- name: add_keyed_jobs
-- Called by enqueue like add_jobs, when some of them have keys under limits. See the function.
select {schema}.add_keyed_jobs_1(
  $1::uuid[], $2::json, $15::text[], $3::integer, $4::bigint, $5::bigint, $6::integer, $7::text, $8::bigint, $9::bigint,
  $10::integer, $11::integer, $12::text, $13::text, $14::text);

-- name: add_various_jobs
-- Called by enqueue for jobs without any keys that differ in more than add_jobs takes. Fails as a whole when an id is there
-- already: then enqueue_each says which. One row of the trail for each 1024 jobs of a state. Returns the ids of each.
with given as materialized (
  select e.*, c.now, coalesce(e.run_at, c.now + e.delay) as due
  from
    rows from (
      unnest(
        $1::uuid[], $3::integer[], $4::bigint[], $5::bigint[], $6::integer[], $7::bigint[], $8::bigint[], $9::integer[],
        $10::integer[], $11::text[], $12::text[], $13::text[]),
      json_array_elements($2::json)
    ) with ordinality as e (
      id, lane, delay, run_at, priority, expire, timeout, max_attempts, max_crashes, tags, metadata, retry, input, n),
    (select floor(extract(epoch from now()) * 1000)::bigint as now) c
),
placed as materialized (
  select
    g.*, greatest(g.due, g.now) as order_at, (case when g.due <= g.now then 1 else 0 end)::smallint as state,
    row_number() over (partition by g.due <= g.now order by g.n) - 1 as place
  from given g
),
chunks as materialized (
  select d.state, d.chunk, nextval('{schema}.trail_seq') as seq
  from (select distinct p.state, p.place / 1024 as chunk from placed p order by 1, 2) d
),
added as (
  insert into {schema}.job (
    id, rank, run_at, enqueued_at, trail, expires_at, timeout_ms, lane, max_attempts, max_crashes, state, waits, priority,
    input, tags, metadata, retry)
  select
    p.id, p.priority::bigint * coalesce(q.aging_ms, 8796093022208) + p.order_at, p.due, p.now,
    c.seq * 1024 + p.place % 1024, p.order_at + p.expire, p.timeout, p.lane, p.max_attempts, p.max_crashes, p.state,
    p.state, p.priority::smallint, p.input::text, p.tags, p.metadata, p.retry
  from placed p
  join chunks c on c.state = p.state and c.chunk = p.place / 1024
  join {schema}.lane l on l.id = p.lane
  left join {schema}.queue q on q.name = l.queue
)
insert into {schema}.trail (seq, at, to_state, jobs)
select c.seq, p.now, c.state, array_agg(p.id order by p.place)
from placed p
join chunks c on c.state = p.state and c.chunk = p.place / 1024
group by c.seq, p.now, c.state
returning to_state, array_to_string(jobs, ',');

-- name: enqueue_each
-- Called by enqueue for everything that add_jobs, add_keyed_jobs and add_various_jobs do not take.
select id, status, state from {schema}.enqueue_3($1::text::jsonb);

-- name: enqueue_joined
-- Called inside of a user's own transaction, whatever library opened it: texts in, one text out.
select json_agg(json_build_array(e.id, e.status, e.state))::text as reply
from {schema}.enqueue_3($1::text::jsonb) e;

-- name: settle_joined
-- Called inside of a user's own transaction, like enqueue_joined. The first text is the job: while the fence holds, its
-- row says who runs it.
select array_to_json({schema}.settle_2(
  (select j.worker from {schema}.job j where j.id = $1::text::uuid), $2::text::jsonb
))::text as reply;
