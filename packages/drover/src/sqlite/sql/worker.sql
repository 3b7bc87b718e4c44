-- name: add_worker
-- Called by registerWorker for an id that was never here.
insert into drover_worker (id, token, host, pid, proof, started_at, beat_at, lease_until, info)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)
returning ref;

-- name: worker_by_id
-- Called by registerWorker before it adds one. Served by the unique index on id.
select ref, token, ended_at from drover_worker where id = ?;

-- name: renew_worker
-- Called by registerWorker for a worker that was here before, after its jobs were handed back: the row keeps its
-- ref, which the trail names, and the new token shuts out whoever still holds the old one.
update drover_worker
set
  token = ?,
  host = ?,
  pid = ?,
  proof = ?,
  started_at = ?,
  beat_at = ?,
  lease_until = ?,
  info = ?,
  ended_at = null,
  end_reason = null
where ref = ?;

-- name: beat_worker
-- Called by every beat, from the main thread and from the beat thread. An ended worker is never revived.
update drover_worker
set beat_at = ?, lease_until = ?
where ref = ? and token = ? and ended_at is null;

-- name: end_worker
-- Called by retireWorker and by rescue when nothing of the worker remains. After it, every beat is lost.
update drover_worker
set ended_at = ?, end_reason = ?
where ref = ? and ended_at is null;

-- name: held_worker
-- Called by retireWorker. By primary key; no row when the worker was rescued or retired before.
select ref, id from drover_worker where ref = ? and token = ? and ended_at is null;

-- name: silent_workers
-- Called by rescue, first to see whether there is anything to do, then again under the write lock. The live
-- workers whose lease ended by the store's time, longest silent first, by drover_worker_live. The caller leaves out those
-- whose lease ended only because that time leapt.
select ref, id, beat_at, lease_until
from drover_worker
where ended_at is null and lease_until < ?
order by lease_until
limit ?;

-- name: next_lease_end
-- Called by nextLeaseEndMs before each rescue. The leases of the live workers, by drover_worker_live.
select beat_at, lease_until from drover_worker
where ended_at is null
order by lease_until
limit 1000;

-- name: live_worker_named
-- Called by rescue for each worker that the caller has proved dead. By the unique index on id.
select ref, id from drover_worker where id = ? and ended_at is null;

-- name: live_processes
-- Called by deadWorkers: what can be proved about the live workers' processes. By drover_worker_live.
select id, pid, proof from drover_worker where ended_at is null and proof is not null order by lease_until limit 1000;

-- name: live_workers
-- Called by workers(): all that have not ended, with what they run. The count walks drover_job_running.
select
  w.id,
  w.host,
  w.pid,
  w.started_at,
  w.beat_at,
  w.lease_until,
  (select count(*) from drover_job j where j.worker = w.ref and j.state = 2) as running,
  w.info
from drover_worker w
where w.ended_at is null
order by w.ref
limit 1000;
