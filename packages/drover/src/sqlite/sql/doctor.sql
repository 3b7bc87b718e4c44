-- name: stuck_workers
-- Called by doctor: workers whose lease ended before an instant, with what they still hold. By
-- drover_worker_live and drover_job_running.
select w.id, count(*)
from drover_worker w
join drover_job j on j.worker = w.ref and j.state = 2
where w.ended_at is null and w.lease_until < ?
group by w.ref
limit 1000;

-- name: worker_infos
-- Called by doctor: what the live workers say of themselves. By drover_worker_live.
select info from drover_worker where ended_at is null and lease_until >= ? limit 1000;

-- name: ignored_cancels
-- Called by doctor: running jobs whose cancel was requested before an instant. By drover_job_running.
select j.id, l.kind
from drover_job j
join drover_lane l on l.id = j.lane
where j.state = 2 and j.cancel_at is not null and j.cancel_at < ?
order by j.cancel_at
limit 100;
