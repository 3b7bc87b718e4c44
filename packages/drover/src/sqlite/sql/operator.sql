-- name: acted_job
-- Called by act for each job, under the write lock. By primary key.
select
  id,
  state,
  attempt,
  trail,
  lane,
  priority,
  failures,
  crashes,
  interruptions,
  max_attempts,
  max_crashes,
  bytes,
  unique_hash,
  unique_states,
  unique_until,
  keys
from drover_job
where seq = ?;

-- name: request_cancel
-- Called by act for a running job; found by peek through drover_job_running. The first request stays.
update drover_job
set cancel_at = ?, cancel_reason = ?, cancel_by = ?
where seq = ? and state = 2 and cancel_at is null;

-- name: revive_job
-- Called by act to retry a job that waits or is finished. It runs as if it were new, but keeps its counters, and one
-- that crashed before still runs alone, so that it can take nobody along; what it ended with stays in the trail.
update drover_job
set
  state = 1,
  rank = ?,
  run_at = ?,
  token = null,
  max_attempts = ?,
  max_crashes = ?,
  solo = ?,
  expires_at = null,
  finished_at = null,
  cancel_at = null,
  cancel_reason = null,
  cancel_by = null,
  result = null,
  reason = null,
  error = null,
  bytes = 0,
  trail = ?
where seq = ? and state = ?;

-- name: edited_job
-- Called by edit, under the write lock. By the unique index on id.
select
  j.seq,
  j.state,
  j.attempt,
  j.trail,
  l.queue,
  l.kind,
  j.priority,
  j.run_at,
  j.enqueued_at,
  j.expires_at,
  j.max_attempts,
  j.timeout_ms,
  j.tags,
  j.metadata,
  j.retry,
  j.crashes,
  j.keys
from drover_job j
join drover_lane l on l.id = j.lane
where j.id = ?;

-- name: edit_job
-- Called by edit for a job that waits. The input is apart, because it is the only wide column.
update drover_job
set
  lane = ?,
  state = ?,
  rank = ?,
  run_at = ?,
  priority = ?,
  expires_at = ?,
  max_attempts = ?,
  timeout_ms = ?,
  tags = ?,
  metadata = ?,
  retry = ?,
  solo = ?,
  keys = ?,
  trail = ?
where seq = ? and state in (0, 1, 3);

-- name: set_input
-- Called by edit with a new input; null when the text is in drover_input.
update drover_job set input = ? where seq = ?;

-- name: put_queue
-- Called by setQueue.
insert into drover_queue (name, paused_at, slots, aging_ms, updated_at, updated_by)
values (?, ?, ?, ?, ?, ?)
on conflict (name) do update
set
  paused_at = excluded.paused_at,
  slots = excluded.slots,
  aging_ms = excluded.aging_ms,
  updated_at = excluded.updated_at,
  updated_by = excluded.updated_by;

-- name: stored_queue
-- Called by setQueue, under the write lock. By primary key.
select paused_at, slots, aging_ms from drover_queue where name = ?;

-- name: rerank_ready
-- Called by setQueue for each lane of a queue whose aging changed: the place of a job in its lane is stored, so
-- that claims need no sort. By drover_job_ready.
update drover_job
set rank = priority * ? + max(run_at, enqueued_at)
where lane = ? and state = 1 and solo = 0;

-- name: rerank_solo
-- Like rerank_ready, by drover_job_ready.
update drover_job
set rank = priority * ? + max(run_at, enqueued_at)
where lane = ? and state = 1 and solo = 1;

-- name: rerank_due
-- Like rerank_ready, by drover_job_due.
update drover_job
set rank = priority * ? + max(run_at, enqueued_at)
where lane = ? and state in (0, 3);
