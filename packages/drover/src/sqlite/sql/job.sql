-- name: job_by_id
-- Called by enqueue for an id that is there already. Served by the unique index on id.
select seq, state from drover_job where id = ?;

-- name: add_input
-- Called by enqueue and by a unique enqueue that replaces, for inputs of more than 2 KiB.
insert into drover_input (job, body) values (?, ?) on conflict (job) do update set body = excluded.body;

-- name: drop_input
-- Called when a small input takes the place of a large one. By primary key.
delete from drover_input where job = ?;

-- name: read_input
-- Called by claims for jobs with a large input. By primary key.
select body from drover_input where job = ?;

-- name: trail_new_jobs
-- Called by enqueue after each chunk: the first trail entry of every job of the chunk, with the number that the
-- job's row has already. A walk of just these rows by primary key; ids that were there before left gaps.
insert into drover_trail (seq, job, at, to_state, attempt)
select trail, seq, enqueued_at, state, 0 from drover_job where seq between ? and ?;

-- name: claim_worker
-- Called by every exchange, before anything is claimed. By primary key.
select token, lease_until, ended_at from drover_worker where ref = ?;

-- name: promote_job
-- Called by claims for every job that came due. Its rank was set with its due time.
update drover_job set state = 1, trail = ? where seq = ?;

-- name: promote_keyed
-- Like promote_job, for a job with keys: it comes into a track.
update drover_job set state = 1, solo = ?, trail = ? where seq = ?;

-- name: newest_trail
-- Called when not all completions of a chunk hit their rows, to see which did. By primary key.
select trail from drover_job where seq = ?;

-- name: worker_of_job
-- Called by a settlement inside of a user's transaction. By primary key.
select worker from drover_job where seq = ?;

-- name: settled_job
-- Called for every settlement but a completion, and for one whose fence held it off. By primary key.
select
  id,
  lane,
  state,
  attempt,
  token,
  trail,
  priority,
  failures,
  crashes,
  interruptions,
  max_crashes,
  solo,
  cancel_at,
  cancel_reason,
  unique_hash,
  unique_states,
  unique_until,
  rank,
  keys
from drover_job
where seq = ?;

-- name: end_attempt
-- Called for an attempt that ends its job without a result. Never without having read the fence before.
update drover_job
set
  state = ?,
  worker = null,
  finished_at = ?,
  failures = ?,
  crashes = ?,
  interruptions = ?,
  reason = ?,
  error = coalesce(?, error),
  trail = ?,
  bytes = ?
where seq = ?;

-- name: return_attempt
-- Called for an attempt after which its job waits again. Never without having read the fence before.
update drover_job
set
  state = ?,
  worker = null,
  run_at = coalesce(?, run_at),
  rank = coalesce(?, rank),
  failures = ?,
  crashes = ?,
  interruptions = ?,
  solo = ?,
  reason = ?,
  error = coalesce(?, error),
  trail = ?
where seq = ?;

-- name: unique_key_of_job
-- Called by claims for a job whose key is held while it runs but not while it waits. By primary key.
select unique_hash, unique_until from drover_job where seq = ?;

-- name: read_cancels
-- Called by peek. A range of drover_job_running, nearly always empty.
select id, attempt, cancel_reason from drover_job where worker = ? and state = 2 and cancel_at > 0;
