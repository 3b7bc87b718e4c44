-- name: delete_trail
-- Called for each job that is deleted. Follows its links, each by primary key.
delete from drover_trail
where seq in (
  with recursive chain (seq) as (
    select trail from drover_job where seq = ?
    union all
    select t.prev from chain c join drover_trail t on t.seq = c.seq where t.prev is not null
  )
  select seq from chain
);

-- name: delete_log
-- Called for each job that is deleted. Served by drover_log_job.
delete from drover_log where job = ?;

-- name: delete_log_count
-- Called for each job that is deleted. By primary key.
delete from drover_log_count where job = ?;

-- name: delete_progress
-- Called for each job that is deleted. By primary key.
delete from drover_progress where job = ?;

-- name: delete_hold
-- Called for each deleted job with a unique key. By primary key; a key that another job took over stays, and so
-- does a throttle whose window is open.
delete from drover_hold
where hash = ?1 and (job = ?2 or trailing = ?2) and (window_until is null or window_until <= ?3);

-- name: delete_job
-- Called last for each job that is deleted; what runs is never deleted.
delete from drover_job where seq = ? and state <> 2;

-- name: ended_by_age
-- Called by prune for each final state that has an age. By drover_job_finished, oldest first.
select seq from drover_job where state >= 4 and state = ? and finished_at < ? order by finished_at limit ?;

-- name: oldest_ended
-- Called by prune for each final state when there are too many bytes. By drover_job_finished, oldest first.
select seq, finished_at, bytes from drover_job where state >= 4 and state = ? order by finished_at limit ?;

-- name: expired_jobs
-- Called by expire. By drover_job_expiry, longest overdue first.
select seq, id, lane, state, attempt, trail, crashes, interruptions
from drover_job
where expires_at is not null and attempt = 0 and state in (0, 1) and expires_at < ?
order by expires_at
limit ?;

-- name: pruned_job
-- Called by prune for each job, under the write lock. By primary key.
select state, bytes, unique_hash from drover_job where seq = ? and state >= 4;
