-- name: find_hold
-- Called by unique enqueues. By primary key; the columns of the job are null when it was pruned.
select
  h.job,
  h.folded,
  h.window_until,
  h.trailing,
  j.id,
  j.state,
  j.unique_states,
  j.unique_until
from drover_hold h
left join drover_job j on j.seq = h.job
where h.hash = ?;

-- name: put_hold
-- Called by unique enqueues whose job takes the key.
insert into drover_hold (hash, job, folded, window_until, trailing)
values (?, ?, null, ?, ?)
on conflict (hash) do update
set job = excluded.job, folded = null, window_until = excluded.window_until, trailing = excluded.trailing;

-- name: fold_hold
-- Called after an enqueue was folded into a waiting job: the same enqueue sent again is then known.
update drover_hold set folded = ? where hash = ?;

-- name: waiting_job
-- Called by unique enqueues that replace. By primary key; no row unless the job waits.
select seq, id, state, trail, attempt, enqueued_at, run_at, crashes
from drover_job
where seq = ? and state in (0, 1, 3);

-- name: replace_job
-- Called by unique enqueues that replace, after waiting_job. Counters, place in the trail and id stay.
update drover_job
set
  lane = ?,
  state = ?,
  rank = ?,
  run_at = ?,
  priority = ?,
  max_attempts = ?,
  max_crashes = ?,
  expires_at = ?,
  timeout_ms = ?,
  input = ?,
  tags = ?,
  metadata = ?,
  retry = ?,
  unique_states = ?,
  unique_until = ?,
  solo = ?,
  keys = ?,
  trail = ?
where seq = ?;

-- name: set_key
-- Called by unique enqueues right after the job was added.
update drover_job set unique_hash = ?, unique_states = ?, unique_until = ?, unique_label = ? where seq = ?;
