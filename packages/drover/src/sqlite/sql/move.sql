-- name: read_move
-- Called by a move, and by whoever takes one in. By primary key.
select value from drover_meta where key = 'move';

-- name: write_move
-- Called by a move for each page that arrived, in the page's transaction. By primary key.
insert into drover_meta (key, value) values ('move', ?) on conflict (key) do update set value = excluded.value;

-- name: forget_move
-- Called when a move is given up. By primary key.
delete from drover_meta where key = 'move';

-- name: open_door
-- Called by a move before it writes to a database that is shut; others see it never, because the same transaction
-- takes it away again.
insert into drover_meta (key, value) values ('move_door', 'open') on conflict (key) do nothing;

-- name: close_door
-- Called at the end of every transaction that opened it.
delete from drover_meta where key = 'move_door';

-- name: tables_to_shut
-- Called when a database is shut, opened again or cleared. Some dozens of rows.
select name
from sqlite_schema
where type = 'table' and name like 'drover\_%' escape '\' and name not in ('drover_meta', 'drover_migration')
order by name;

-- name: guards
-- Called when a database is shut or opened again. As many rows as triggers.
select name from sqlite_schema where type = 'trigger' and name like 'drover\_shut\_%' escape '\';

-- name: leased_workers
-- Called when a database is shut. A range of drover_worker_live.
select id from drover_worker where ended_at is null and lease_until > ? order by id limit 100;

-- name: anything
-- Called before a database takes in another. One row of each table, if there is one.
select
  exists (select 1 from drover_job)
  or exists (select 1 from drover_worker)
  or exists (select 1 from drover_queue)
  or exists (select 1 from drover_limit)
  or exists (select 1 from drover_schedule)
  or exists (select 1 from drover_hold);

-- name: workers_out
-- Called by a move. By the unique index on id.
select
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
from drover_worker
where id > coalesce(?, '')
order by id
limit ?;

-- name: workers_in
-- Called by a move with a page as JSON.
insert into drover_worker (id, token, host, pid, started_at, beat_at, lease_until, info, ended_at, end_reason)
select
  value ->> 0,
  value ->> 1,
  value ->> 2,
  value ->> 3,
  value ->> 4,
  value ->> 5,
  value ->> 6,
  value ->> 7,
  value ->> 8,
  value ->> 9
from json_each(?)
order by key;

-- name: jobs_out
-- Called by a move. By drover_move_order, which a database has while it is shut.
select
  j.id,
  l.kind,
  l.queue,
  j.state,
  j.run_at,
  j.priority,
  j.attempt,
  j.token,
  w.id as worker,
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
  coalesce(j.input, i.body) as input,
  j.tags,
  j.metadata,
  j.retry,
  j.result,
  j.reason,
  j.error,
  case when j.unique_hash is not null then lower(hex(j.unique_hash)) end as unique_hash,
  j.unique_states,
  j.unique_until,
  j.unique_label,
  p.at as progress_at,
  p.value as progress_value,
  c.kept,
  c.bytes,
  c.dropped,
  j.keys
from drover_job j
join drover_lane l on l.id = j.lane
left join drover_worker w on w.ref = j.worker
left join drover_input i on i.job = j.seq
left join drover_progress p on p.job = j.seq
left join drover_log_count c on c.job = j.seq
where (j.enqueued_at, j.id) > (?, ?)
order by j.enqueued_at, j.id
limit ?;

-- name: lanes_in
-- Called by a move before the jobs of a page, given as JSON.
insert into drover_lane (queue, kind)
select distinct value ->> 2, value ->> 1
from json_each(?)
where true
on conflict (queue, kind) do nothing;

-- name: jobs_in
-- Called by a move with a page as JSON and the number before its first one. The place in the lane and the size are made
-- as for a job that was enqueued and finished here; the trail comes later.
insert into drover_job (
  seq,
  lane,
  rank,
  worker,
  solo,
  trail,
  bytes,
  input,
  unique_hash,
  id,
  state,
  run_at,
  priority,
  attempt,
  token,
  failures,
  crashes,
  interruptions,
  max_attempts,
  max_crashes,
  enqueued_at,
  expires_at,
  started_at,
  finished_at,
  cancel_at,
  cancel_reason,
  cancel_by,
  timeout_ms,
  tags,
  metadata,
  retry,
  result,
  reason,
  error,
  unique_states,
  unique_until,
  unique_label,
  keys
)
select
  ?1 + e.key,
  l.id,
  (e.value ->> 5) * coalesce(q.aging_ms, 8796093022208) + max(e.value ->> 4, e.value ->> 14),
  w.ref,
  (e.value ->> 10) > 0,
  0,
  case when (e.value ->> 3) >= 4 then
    256
    + octet_length(e.value ->> 22)
    + octet_length(coalesce(e.value ->> 24, ''))
    + octet_length(coalesce(e.value ->> 26, ''))
    + octet_length(coalesce(e.value ->> 28, ''))
  else 0 end,
  case when length(e.value ->> 22) <= 2048 then e.value ->> 22 end,
  unhex(e.value ->> 29),
  e.value ->> 0,
  e.value ->> 3,
  e.value ->> 4,
  e.value ->> 5,
  e.value ->> 6,
  e.value ->> 7,
  e.value ->> 9,
  e.value ->> 10,
  e.value ->> 11,
  e.value ->> 12,
  e.value ->> 13,
  e.value ->> 14,
  e.value ->> 15,
  e.value ->> 16,
  e.value ->> 17,
  e.value ->> 18,
  e.value ->> 19,
  e.value ->> 20,
  e.value ->> 21,
  e.value ->> 23,
  e.value ->> 24,
  e.value ->> 25,
  e.value ->> 26,
  e.value ->> 27,
  e.value ->> 28,
  e.value ->> 30,
  e.value ->> 31,
  e.value ->> 32,
  e.value ->> 38
from json_each(?2) e
join drover_lane l on l.queue = e.value ->> 2 and l.kind = e.value ->> 1
left join drover_queue q on q.name = l.queue
left join drover_worker w on w.id = e.value ->> 8;

-- name: job_inputs_in
-- Called by a move after the jobs of a page. By the unique index on id.
insert into drover_input (job, body)
select j.seq, e.value ->> 22
from json_each(?) e
join drover_job j on j.id = e.value ->> 0
where j.input is null;

-- name: job_progress_in
-- Called by a move after the jobs of a page. By the unique index on id.
insert into drover_progress (job, at, value)
select j.seq, e.value ->> 33, e.value ->> 34
from json_each(?) e
join drover_job j on j.id = e.value ->> 0
where e.value ->> 33 is not null;

-- name: job_log_counts_in
-- Called by a move after the jobs of a page. By the unique index on id.
insert into drover_log_count (job, kept, bytes, dropped)
select j.seq, e.value ->> 35, e.value ->> 36, e.value ->> 37
from json_each(?) e
join drover_job j on j.id = e.value ->> 0
where e.value ->> 35 is not null;

-- name: keyed_jobs_from
-- Called by a move after the jobs of a page. A range of the primary key.
select seq, lane, rank, crashes, keys
from drover_job
where seq >= ? and keys is not null and state = 1
order by seq;

-- name: finished_bytes_from
-- Called by a move after the jobs of a page. A range of the primary key.
select coalesce(sum(bytes), 0) from drover_job where seq > ?;

-- name: trail_out
-- Called by a move. A range of the primary key.
select t.seq, j.id, t.at, t.from_state, t.to_state, t.attempt, w.id as worker, t.actor, t.reason, t.error
from drover_trail t
join drover_job j on j.seq = t.job
left join drover_worker w on w.ref = t.worker
where t.seq > ?
order by t.seq
limit ?;

-- name: trail_in
-- Called by a move with a page as JSON and the number before its first one. Each entry is linked to the one before it of
-- the same job, in this page or before.
insert into drover_trail (seq, prev, job, at, from_state, to_state, attempt, worker, actor, reason, error)
select
  ?1 + e.key,
  coalesce(lag(?1 + e.key) over (partition by j.seq order by e.key), nullif(j.trail, 0)),
  j.seq,
  e.value ->> 1,
  e.value ->> 2,
  e.value ->> 3,
  e.value ->> 4,
  w.ref,
  e.value ->> 6,
  e.value ->> 7,
  e.value ->> 8
from json_each(?2) e
join drover_job j on j.id = e.value ->> 0
left join drover_worker w on w.id = e.value ->> 5;

-- name: trail_heads_in
-- Called by a move after the entries of a page: the newest of each job. A range of the primary key.
update drover_job
set trail = t.seq
from (select job, max(seq) as seq from drover_trail where seq >= ? group by job) t
where drover_job.seq = t.job;

-- name: holds_out
-- Called by a move. By primary key. A job that is gone leaves the window of a throttle behind.
select lower(hex(h.hash)), j.id as job, h.folded, h.window_until, t.id as window_job
from drover_hold h
left join drover_job j on j.seq = h.job
left join drover_job t on t.seq = h.trailing
where h.hash > unhex(coalesce(?, ''))
order by h.hash
limit ?;

-- name: holds_in
-- Called by a move with a page as JSON. No job has the number 0.
insert into drover_hold (hash, job, folded, window_until, trailing)
select unhex(e.value ->> 0), coalesce(j.seq, 0), e.value ->> 2, e.value ->> 3, t.seq
from json_each(?) e
left join drover_job j on j.id = e.value ->> 1
left join drover_job t on t.id = e.value ->> 4;

-- name: logs_out
-- Called by a move. A range of the primary key.
select g.seq, j.id, g.attempt, g.at, g.level, g.message, g.fields
from drover_log g
join drover_job j on j.seq = g.job
where g.seq > ?
order by g.seq
limit ?;

-- name: logs_in
-- Called by a move with a page as JSON.
insert into drover_log (job, attempt, at, level, message, fields)
select j.seq, e.value ->> 1, e.value ->> 2, e.value ->> 3, e.value ->> 4, e.value ->> 5
from json_each(?) e
join drover_job j on j.id = e.value ->> 0
order by e.key;

-- name: limits_out
-- Called by a move. By primary key.
select id, scope, target, type, by, declared, generation, setting, set_at, set_by, turn
from drover_limit
where id > ?
order by id
limit ?;

-- name: limits_in
-- Called by a move with a page as JSON.
insert into drover_limit (id, scope, target, type, by, declared, generation, setting, set_at, set_by, turn)
select
  value ->> 0,
  value ->> 1,
  value ->> 2,
  value ->> 3,
  value ->> 4,
  value ->> 5,
  value ->> 6,
  value ->> 7,
  value ->> 8,
  value ->> 9,
  value ->> 10
from json_each(?);

-- name: limit_starts_out
-- Called by a move. By primary key.
select limit_id, key, at, starts
from drover_limit_start
where (limit_id, key, at) > (?, ?, ?)
order by limit_id, key, at
limit ?;

-- name: limit_starts_in
-- Called by a move with a page as JSON. Totals go on from those of the pages before.
insert into drover_limit_start (limit_id, key, at, starts, total)
select
  e.value ->> 0,
  e.value ->> 1,
  e.value ->> 2,
  e.value ->> 3,
  sum(e.value ->> 3) over (partition by e.value ->> 0, e.value ->> 1 order by e.value ->> 2)
  + coalesce(
    (select max(s.total) from drover_limit_start s where s.limit_id = e.value ->> 0 and s.key = e.value ->> 1),
    0
  )
from json_each(?) e;

-- name: limit_uses_out
-- Called by a move. As many rows as there are running jobs under limits, and what is left over of others.
select u.limit_id, u.key, j.id, u.attempt
from drover_limit_use u
join drover_job j on j.seq = u.job
where (u.limit_id, u.key, j.id) > (?, ?, ?)
order by u.limit_id, u.key, j.id
limit ?;

-- name: limit_uses_in
-- Called by a move with a page as JSON.
insert into drover_limit_use (limit_id, key, job, attempt)
select e.value ->> 0, e.value ->> 1, j.seq, e.value ->> 3
from json_each(?) e
join drover_job j on j.id = e.value ->> 2;
