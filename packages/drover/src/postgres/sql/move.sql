-- name: read_move
-- Called by a move, and by whoever takes one in. By primary key.
select value from {schema}.meta where key = 'move';

-- name: write_move
-- Called by a move for each page that arrived, in the page's transaction. By primary key.
insert into {schema}.meta (key, value) values ('move', $1) on conflict (key) do update set value = excluded.value;

-- name: forget_move
-- Called when a move is given up. By primary key.
delete from {schema}.meta where key = 'move';

-- name: lock_move
-- Called before a page is taken in: two movers come one after the other.
select value from {schema}.meta where key = 'move' for update;

-- name: open_door
-- Called by a move before it writes to a database that is shut; it ends with the transaction.
select set_config('drover.move_door', 'open', true);

-- name: take_time
-- Called by a move before what may take long; it ends with the transaction.
select set_config(name, '0', true)
from pg_settings
where name in ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout');

-- name: tables_to_shut
-- Called when a database is shut, opened again or cleared. Some dozens of rows.
select quote_ident(c.relname)
from pg_class c
where c.relnamespace = '{schema}'::regnamespace and c.relkind = 'r' and c.relname not in ('meta', 'migration')
order by c.relname;

-- name: leased_workers
-- Called when a database is shut. A range of worker_live.
select id from {schema}.worker where ended_at is null and lease_until > {schema}.clock_ms() order by id limit 100;

-- name: anything
-- Called before a database takes in another. One row of each table, if there is one.
select
  exists (select from {schema}.job)
  or exists (select from {schema}.worker)
  or exists (select from {schema}.queue)
  or exists (select from {schema}.limits)
  or exists (select from {schema}.schedule)
  or exists (select from {schema}.hold);

-- name: workers_out
-- Called by a move. Of those that registered again the newest row.
select distinct on (id collate "C")
  id,
  token,
  host,
  pid,
  started_at,
  beat_at,
  lease_until,
  info,
  ended_at,
  end_reason
from {schema}.worker
where id collate "C" > $1
order by id collate "C", ref desc
limit $2;

-- name: workers_in
-- Called by a move with a page as JSON.
insert into {schema}.worker (id, token, host, pid, started_at, beat_at, lease_until, info, ended_at, end_reason)
select
  e ->> 0,
  (e ->> 1)::bigint,
  e ->> 2,
  (e ->> 3)::integer,
  (e ->> 4)::bigint,
  (e ->> 5)::bigint,
  (e ->> 6)::bigint,
  e ->> 7,
  (e ->> 8)::bigint,
  e ->> 9
from jsonb_array_elements($1::text::jsonb) with ordinality t (e, n)
order by n;

-- name: jobs_out
-- Called by a move. By job_move_order, which a database has while it is shut.
select
  j.id,
  l.kind,
  l.queue,
  j.state,
  j.run_at,
  j.priority,
  j.attempt,
  j.token,
  w.id,
  j.failures,
  j.crashes,
  j.interruptions,
  j.max_attempts,
  j.max_crashes,
  j.enqueued_at,
  j.expires_at,
  j.started_at,
  j.finished_at,
  j.cancel_at,
  j.cancel_reason,
  j.cancel_by,
  j.timeout_ms,
  j.input,
  j.tags,
  j.metadata,
  j.retry,
  j.result,
  j.reason,
  j.error,
  encode(j.unique_hash, 'hex'),
  j.unique_states,
  j.unique_until,
  j.unique_label,
  p.at,
  p.value,
  c.kept,
  c.bytes,
  c.dropped,
  j.keys
from {schema}.job j
join {schema}.lane l on l.id = j.lane
left join {schema}.worker w on w.ref = j.worker
left join {schema}.progress p on p.job = j.id
left join {schema}.log_count c on c.job = j.id
where (j.enqueued_at, j.id) > ($1::bigint, $2::uuid)
order by j.enqueued_at, j.id
limit $3;

-- name: lanes_in
-- Called by a move before the jobs of a page, given as JSON.
insert into {schema}.lane (queue, kind)
select distinct e ->> 2, e ->> 1
from jsonb_array_elements($1::text::jsonb) e
on conflict (queue, kind) do nothing;

-- name: jobs_in
-- Called by a move with a page as JSON. The place in the lane is made as for a job that was enqueued here; the trail
-- comes later.
insert into {schema}.job (
  id,
  run_at,
  enqueued_at,
  token,
  started_at,
  finished_at,
  expires_at,
  unique_until,
  cancel_at,
  timeout_ms,
  attempt,
  failures,
  crashes,
  interruptions,
  max_attempts,
  max_crashes,
  state,
  priority,
  unique_states,
  input,
  tags,
  metadata,
  retry,
  result,
  reason,
  error,
  cancel_reason,
  cancel_by,
  unique_label,
  rank,
  trail,
  stopped_at,
  lane,
  worker,
  cancel_worker,
  waits,
  solo,
  unique_hash
)
select
  (e ->> 0)::uuid,
  (e ->> 4)::bigint,
  (e ->> 14)::bigint,
  (e ->> 7)::bigint,
  (e ->> 16)::bigint,
  (e ->> 17)::bigint,
  (e ->> 15)::bigint,
  (e ->> 31)::bigint,
  (e ->> 18)::bigint,
  (e ->> 21)::bigint,
  (e ->> 6)::integer,
  (e ->> 9)::integer,
  (e ->> 10)::integer,
  (e ->> 11)::integer,
  (e ->> 12)::integer,
  (e ->> 13)::integer,
  (e ->> 3)::smallint,
  (e ->> 5)::smallint,
  (e ->> 30)::smallint,
  e ->> 22,
  e ->> 23,
  e ->> 24,
  e ->> 25,
  e ->> 26,
  e ->> 27,
  e ->> 28,
  e ->> 19,
  e ->> 20,
  e ->> 32,
  (e ->> 5)::smallint * coalesce(q.aging_ms, 8796093022208) + greatest((e ->> 4)::bigint, (e ->> 14)::bigint),
  0,
  case when (e ->> 3)::smallint > 4 then (e ->> 17)::bigint end,
  l.id,
  w.ref,
  case when (e ->> 3)::smallint = 2 and (e ->> 18)::bigint is not null then w.ref end,
  case when (e ->> 3)::smallint in (0, 3) then 0 when (e ->> 3)::smallint = 1 and (e ->> 10)::integer > 0 then 2 when (e ->> 3)::smallint = 1 then 1 end,
  (e ->> 10)::integer > 0,
  decode(e ->> 29, 'hex')
from jsonb_array_elements($1::text::jsonb) e
join {schema}.lane l on l.queue = e ->> 2 and l.kind = e ->> 1
left join {schema}.queue q on q.name = l.queue
left join {schema}.worker w on w.id = e ->> 8;

-- name: job_keys_in
-- Called by a move after the jobs of a page: naming keys brings a job into its track.
update {schema}.job j
set keys = e ->> 38
from jsonb_array_elements($1::text::jsonb) e
where j.id = (e ->> 0)::uuid and e ->> 38 is not null;

-- name: job_claims_in
-- Called by a move after the jobs of a page: those that a dead worker still holds are found through its claims.
insert into {schema}.claim (worker, seq, token, at, jobs)
select j.worker, nextval('{schema}.trail_seq'), j.token, j.started_at, array[j.id]
from jsonb_array_elements($1::text::jsonb) e
join {schema}.job j on j.id = (e ->> 0)::uuid
where j.state = 2;

-- name: job_progress_in
-- Called by a move after the jobs of a page.
insert into {schema}.progress (job, at, value)
select (e ->> 0)::uuid, (e ->> 33)::bigint, e ->> 34
from jsonb_array_elements($1::text::jsonb) e
where (e ->> 33)::bigint is not null;

-- name: job_log_counts_in
-- Called by a move after the jobs of a page.
insert into {schema}.log_count (job, kept, bytes, dropped)
select (e ->> 0)::uuid, (e ->> 35)::integer, (e ->> 36)::integer, (e ->> 37)::bigint
from jsonb_array_elements($1::text::jsonb) e
where (e ->> 35)::integer is not null;

-- name: trail_out
-- Called by a move. Of the range of the primary key as many rows as hold enough transitions, the first of which may all
-- have gone before, and the jobs by theirs. Those
-- of jobs that were deleted come without an id, so that a page of nothing else is no end.
select
  t.seq * 1024 + u.n - 1,
  j.id,
  t.at,
  t.from_state,
  t.to_state,
  coalesce(t.attempts[u.n], 0),
  w.id,
  t.actor,
  t.reasons[u.n],
  t.errors[u.n]
from (
  select r.seq, sum(r.size) over (order by r.seq) - r.size as before
  from (
    select seq, cardinality(jobs) as size
    from {schema}.trail
    where seq >= $1::bigint / 1024 and cardinality(jobs) > 0
    order by seq
    limit $2 + 1
  ) r
) h
join {schema}.trail t on t.seq = h.seq
cross join lateral unnest(t.jobs) with ordinality u (job, n)
left join {schema}.job j on j.id = u.job
left join {schema}.worker w on w.ref = t.worker
where h.before < $2 + 1024 and t.seq * 1024 + u.n - 1 > $1
order by t.seq, u.n
limit $2;

-- name: trail_heads
-- Called by a move before the entries of a page: the newest that each job has, and as many numbers of rows as asked for.
select j.id, j.trail from {schema}.job j where j.id = any ($1::uuid[]);

-- name: trail_numbers
-- Called by a move before the entries of a page.
select nextval('{schema}.trail_seq') from generate_series(1, $1::integer);

-- name: trail_in
-- Called by a move with rows as JSON: seq, at, from_state, to_state, worker, actor, jobs, prevs, attempts, reasons, errors.
insert into {schema}.trail (
  seq, at, from_state, to_state, worker, actor, jobs, prevs, attempts, reasons, errors, bytes
)
select
  (e ->> 0)::bigint,
  (e ->> 1)::bigint,
  (e ->> 2)::smallint,
  (e ->> 3)::smallint,
  w.ref,
  e ->> 5,
  a.jobs,
  case when e -> 7 <> 'null' then array(
    select v::bigint from jsonb_array_elements_text(e -> 7) with ordinality i (v, n) order by n
  ) end,
  case when e -> 8 <> 'null' then array(
    select v::integer from jsonb_array_elements_text(e -> 8) with ordinality i (v, n) order by n
  ) end,
  case when e -> 9 <> 'null' then array(
    select v from jsonb_array_elements_text(e -> 9) with ordinality i (v, n) order by n
  ) end,
  case when e -> 10 <> 'null' then array(
    select v from jsonb_array_elements_text(e -> 10) with ordinality i (v, n) order by n
  ) end,
  case when (e ->> 3)::smallint >= 4 then (
    select sum(
      256 + octet_length(j.input) + coalesce(octet_length(j.metadata), 0) + coalesce(octet_length(j.error), 0)
      + coalesce(octet_length(j.result), 0)
    )
    from {schema}.job j
    where j.id = any (a.jobs)
  ) end
from jsonb_array_elements($1::text::jsonb) e
cross join lateral (
  select array(
    select v::uuid from jsonb_array_elements_text(e -> 6) with ordinality i (v, n) order by n
  ) as jobs
) a
left join {schema}.worker w on w.id = e ->> 4;

-- name: trail_heads_in
-- Called by a move after the entries of a page, with pairs of job and number as JSON.
update {schema}.job j
set trail = (e ->> 1)::bigint
from jsonb_array_elements($1::text::jsonb) e
where j.id = (e ->> 0)::uuid;

-- name: holds_out
-- Called by a move. By primary key. A job that is gone leaves the window of a throttle behind.
select encode(h.hash, 'hex'), j.id, h.folded, h.window_until, t.id
from {schema}.hold h
left join {schema}.job j on j.id = h.job
left join {schema}.job t on t.id = h.window_job
where h.hash > decode($1, 'hex')
order by h.hash
limit $2;

-- name: holds_in
-- Called by a move with a page as JSON. No job has this id.
insert into {schema}.hold (hash, job, folded, window_until, window_job)
select
  decode(e ->> 0, 'hex'),
  coalesce((e ->> 1)::uuid, '00000000-0000-0000-0000-000000000000'),
  (e ->> 2)::uuid,
  (e ->> 3)::bigint,
  (e ->> 4)::uuid
from jsonb_array_elements($1::text::jsonb) e;

-- name: logs_out
-- Called by a move. A range of the primary key.
select g.seq, g.job, g.attempt, g.at, g.level, g.message, g.fields
from {schema}.log g
join {schema}.job j on j.id = g.job
where g.seq > $1::bigint
order by g.seq
limit $2;

-- name: logs_in
-- Called by a move with a page as JSON.
insert into {schema}.log (job, attempt, at, level, message, fields)
select (e ->> 0)::uuid, (e ->> 1)::integer, (e ->> 2)::bigint, e ->> 3, e ->> 4, e ->> 5
from jsonb_array_elements($1::text::jsonb) with ordinality t (e, n)
order by n;

-- name: limits_out
-- Called by a move. By primary key.
select id, scope, target, type, by_key, declared::text, generation, setting::text, set_at, set_by, turn
from {schema}.limits
where id > $1
order by id
limit $2;

-- name: limits_in
-- Called by a move with a page as JSON. Ids are kept, because starts and turns name them.
insert into {schema}.limits (
  id, name, scope, target, type, by_key, declared, generation, setting, set_at, set_by, turn
) overriding system value
select
  (e ->> 0)::integer,
  (e ->> 1) || ':' || (e ->> 2) || '#' || (e ->> 3) || case when e ->> 4 = '' then '' else '.' || (e ->> 4) end,
  e ->> 1,
  e ->> 2,
  e ->> 3,
  e ->> 4,
  (e ->> 5)::jsonb,
  (e ->> 6)::bigint,
  (e ->> 7)::jsonb,
  (e ->> 8)::bigint,
  e ->> 9,
  (e ->> 10)::bigint
from jsonb_array_elements($1::text::jsonb) e;

-- name: limit_ids_in
-- Called by a move after limits came in: the next one gets the next id.
select setval(pg_get_serial_sequence('{schema}.limits', 'id'), (select max(id) from {schema}.limits));

-- name: limit_starts_out
-- Called by a move. By primary key, but for the order of texts.
select limit_id, key, at, starts
from {schema}.limit_start
where (limit_id, key collate "C", at) > ($1::integer, $2::text, $3::bigint)
order by limit_id, key collate "C", at
limit $4;

-- name: limit_starts_in
-- Called by a move with a page as JSON.
insert into {schema}.limit_start (limit_id, key, at, starts)
select (e ->> 0)::integer, e ->> 1, (e ->> 2)::bigint, (e ->> 3)::integer
from jsonb_array_elements($1::text::jsonb) e;

-- name: limit_instants_in
-- Called by a move after starts came in: none may come before the last one.
update {schema}.limits m
set last_at = greatest(m.last_at, s.at)
from (select limit_id, max(at) as at from {schema}.limit_start group by limit_id) s
where m.id = s.limit_id;

-- name: limit_uses_out
-- Called by a move. As many rows as there are running jobs under limits, and what is left over of others.
select u.limit_id, u.key, u.job, u.attempt
from {schema}.limit_use u
join {schema}.job j on j.id = u.job
where (u.limit_id, u.key collate "C", u.job) > ($1::integer, $2::text, $3::uuid)
order by u.limit_id, u.key collate "C", u.job
limit $4;

-- name: limit_uses_in
-- Called by a move with a page as JSON.
insert into {schema}.limit_use (limit_id, key, job, attempt)
select (e ->> 0)::integer, e ->> 1, (e ->> 2)::uuid, (e ->> 3)::integer
from jsonb_array_elements($1::text::jsonb) e;
