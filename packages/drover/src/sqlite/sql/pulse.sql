-- name: read_pulse
-- Called at the start of every write transaction and by now(). One row by its primary key. The reading of the monotonic
-- clock counts only for the time that was written with it.
select
  instance,
  store_at,
  job_seq,
  trail_seq,
  finished_bytes,
  config_generation,
  iif(stamped_at = store_at, mono, null) as mono,
  mono_origin
from drover_pulse
where one = 1;

-- name: lock_pulse
-- Called on a connection that is not ours, before the pulse is read: takes the write lock, so that the numbers
-- read next are still true when they are written.
update drover_pulse set store_at = store_at where one = 1;

-- name: write_pulse
-- Called once at the end of every write transaction. store_at never goes back.
update drover_pulse
set
  store_at = max(store_at, ?),
  job_seq = ?,
  trail_seq = ?,
  finished_bytes = ?,
  config_generation = ?,
  stamped_at = ?,
  mono = ?,
  mono_origin = ?
where one = 1;

-- name: advance_clock
-- Called by the beat thread on its own connection: store time moves on also while nothing else is written.
update drover_pulse
set store_at = max(store_at, ?), stamped_at = ?, mono = ?, mono_origin = ?
where one = 1;
