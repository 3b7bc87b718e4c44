-- name: lock_keys
-- Called by act before it brings jobs back or deletes them: whoever needs the lock of a key and of a job takes that of the key first.
select 1
from {schema}.hold h
where h.hash in (select j.unique_hash from {schema}.job j where j.id = any ($1::uuid[]) and j.unique_hash is not null)
order by h.hash
for update;

-- name: act
-- Called by act for jobs that it has locked, in order. Each by primary key.
select s.id, {schema}.act_1($1::text, s.id, $3::text, $4::text)
from unnest($2::uuid[]) with ordinality s (id, n)
order by s.n;

-- name: delete_jobs
-- Called by act and prune for jobs that are locked.
select {schema}.delete_jobs_1($1::uuid[]);

-- name: edited_job
-- Called by edit; it keeps the lock. By primary key.
select
  j.state,
  j.attempt,
  j.trail,
  l.queue,
  l.kind,
  j.priority,
  j.run_at,
  j.enqueued_at,
  j.solo,
  {schema}.clock_ms(),
  j.keys
from {schema}.job j
join {schema}.lane l on l.id = j.lane
where j.id = $1::uuid
for no key update of j;

-- name: edit_job
-- Called by edit for a job that waits and is locked. A null that leaves a column as it is comes with a false.
update {schema}.job j
set
  lane = {schema}.lane_1($2::text, $3::text),
  state = $4::smallint,
  waits = $5::smallint,
  run_at = $6::bigint,
  priority = $7::smallint,
  rank = $7::bigint * coalesce((select q.aging_ms from {schema}.queue q where q.name = $2::text), 8796093022208) + $8::bigint,
  expires_at = j.expires_at + $9::bigint,
  max_attempts = coalesce($10::integer, j.max_attempts),
  timeout_ms = case when $11::boolean then $12::bigint else j.timeout_ms end,
  tags = case when $13::boolean then $14::text else j.tags end,
  metadata = case when $15::boolean then $16::text else j.metadata end,
  retry = case when $17::boolean then $18::text else j.retry end,
  input = coalesce($19::text, j.input),
  keys = $23::text,
  trail = {schema}.note_1(
    j.id, j.trail, $20::bigint, j.state, $4::integer, j.attempt, null, $21::text, $22::text, null, null)
where j.id = $1::uuid;

-- name: put_queue
-- Called by setQueue. A null that leaves a column as it is comes with a false. Returns what was stored and what is.
with before as (
  select q.aging_ms from {schema}.queue q where q.name = $1::text for update
)
insert into {schema}.queue as q (name, paused_at, slots, aging_ms, aged_at, updated_at, updated_by)
values (
  $1::text, case when $2::boolean then {schema}.clock_ms() end, $4::integer, $6::bigint,
  case when $6::bigint is not null then {schema}.clock_ms() end, {schema}.clock_ms(), $7::text
)
on conflict (name) do update
set
  paused_at = case
    when $2::boolean is null then q.paused_at
    when $2::boolean then coalesce(q.paused_at, excluded.paused_at)
  end,
  slots = case when $3::boolean then excluded.slots else q.slots end,
  aging_ms = case when $5::boolean then excluded.aging_ms else q.aging_ms end,
  aged_at = case when $5::boolean and q.aging_ms is distinct from excluded.aging_ms then {schema}.clock_ms() else q.aged_at end,
  updated_at = excluded.updated_at,
  updated_by = excluded.updated_by
returning paused_at is not null, slots, aging_ms, (select b.aging_ms from before b);

-- name: rerank_waiting
-- Called by setQueue when a queue's aging changed, and by clean for misplaced_queues: the place of a job in its lane is stored, so that claims need no sort.
-- By the three partial indexes of what waits.
update {schema}.job j
set rank = j.priority::bigint * $2::bigint + greatest(j.run_at, j.enqueued_at)
from {schema}.lane l
where l.queue = $1::text and j.lane = l.id and (j.waits = 0 or j.waits = 1 or j.waits = 2 or j.waits = 3 or j.waits = 4 or j.waits = 5)
  and j.rank <> j.priority::bigint * $2::bigint + greatest(j.run_at, j.enqueued_at);

-- name: misplaced_queues
-- Called by clean: queues with jobs that were enqueued by the rule before, in transactions that ended only after setQueue had
-- placed all that it could see. Reads the waiting jobs of queues whose aging changed in the last hour.
select q.name, q.aging_ms from {schema}.queue q
where q.aged_at > {schema}.clock_ms() - 3600000 and exists (
  select from {schema}.lane l
  join {schema}.job j on j.lane = l.id and (j.waits = 0 or j.waits = 1 or j.waits = 2 or j.waits = 3 or j.waits = 4 or j.waits = 5)
  where l.queue = q.name
    and j.rank <> j.priority::bigint * coalesce(q.aging_ms, 8796093022208) + greatest(j.run_at, j.enqueued_at)
);
