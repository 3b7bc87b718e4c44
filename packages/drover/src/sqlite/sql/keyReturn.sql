-- name: key_holder
-- Called when a job comes back into a waiting state. By primary key; the state is null when the holder is gone.
select h.job, h.trailing, j.state, j.unique_states, j.unique_until
from drover_hold h
left join drover_job j on j.seq = h.job
where h.hash = ?;

-- name: add_key_holder
-- Called when nobody has held the key since it was pruned.
insert into drover_hold (hash, job) values (?, ?);

-- name: pass_key
-- Called when the job that had the key holds it no longer.
update drover_hold set job = ? where hash = ?;
