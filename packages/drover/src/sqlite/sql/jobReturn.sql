-- name: jobs_of_worker
-- Called by rescue, retireWorker and registerWorker. Walks drover_job_running; the state is part of it, so a
-- settled job is never found.
select
  seq,
  id,
  lane,
  trail,
  attempt,
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
where worker = ? and state = 2
order by seq
limit ?;

-- name: hand_back_job
-- Called by handBack for a job that waits again. Its rank stays, so it keeps its place. Conditional on the
-- worker: a job that was settled in the meantime is not touched.
update drover_job
set
  state = 1,
  worker = null,
  token = null,
  crashes = ?,
  interruptions = ?,
  solo = ?,
  cancel_at = null,
  cancel_reason = null,
  cancel_by = null,
  reason = ?,
  trail = ?
where seq = ? and state = 2 and worker = ?;

-- name: end_job
-- Called for every job that ends without a handler's word: by a rescue, an expiry or a person. Conditional on
-- the state that the caller saw. The size is that of a row with its payloads, for retention by bytes.
update drover_job
set
  state = ?,
  worker = null,
  token = null,
  crashes = ?,
  interruptions = ?,
  finished_at = ?,
  expires_at = null,
  reason = ?,
  trail = ?,
  bytes = 256
    + octet_length(coalesce(input, (select body from drover_input i where i.job = drover_job.seq), ''))
    + octet_length(coalesce(metadata, ''))
    + octet_length(coalesce(error, ''))
where seq = ? and state = ?
returning bytes;
