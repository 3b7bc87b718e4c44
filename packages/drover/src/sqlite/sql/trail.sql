-- name: add_trail
-- Called for every transition of a job. Rows are never changed; only prune deletes them.
insert into drover_trail (seq, prev, job, at, from_state, to_state, attempt, worker, actor, reason, error)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
