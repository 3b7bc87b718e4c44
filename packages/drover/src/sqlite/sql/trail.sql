-- name: add_trail
-- Called for every transition of a job. Rows are never changed; only prune deletes them.
insert into drover_trail (seq, prev, job, at, from_state, to_state, attempt, worker, actor, reason, error)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: trail_step
-- Called by a settle that its fence held off, to see who ended the attempt. By primary key, along prev.
select prev, from_state, attempt, worker, actor from drover_trail where seq = ?;
