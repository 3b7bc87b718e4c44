-- name: read_pulse
-- Called at the start of every write transaction and by now(). One row by its primary key.
select instance, store_at, job_seq, trail_seq, finished_bytes, config_generation
from drover_pulse
where one = 1;

-- name: lock_pulse
-- Called on a connection that is not ours, before the pulse is read: takes the write lock, so that the numbers
-- read next are still true when they are written.
update drover_pulse set store_at = store_at where one = 1;

-- name: write_pulse
-- Called once at the end of every write transaction. store_at never goes back.
update drover_pulse
set store_at = max(store_at, ?), job_seq = ?, trail_seq = ?, finished_bytes = ?, config_generation = ?
where one = 1;

-- name: advance_clock
-- Called by the beat thread on its own connection: store time moves on also while nothing else is written.
update drover_pulse set store_at = max(store_at, ?) where one = 1;
