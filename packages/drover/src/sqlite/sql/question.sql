-- name: seq_of_job
-- Called by get, trail, log and edit. Served by the unique index on id.
select seq from drover_job where id = ?;

-- name: job_rows
-- Called by get and list with the numbers of the jobs to show, as a JSON array; rows come in that order. Each by
-- primary key.
select
  j.id,
  l.kind,
  l.queue,
  j.state,
  j.priority,
  j.attempt,
  j.failures,
  j.crashes,
  j.interruptions,
  j.max_attempts,
  j.max_crashes,
  j.timeout_ms,
  j.retry,
  j.enqueued_at,
  j.run_at,
  j.expires_at,
  j.started_at,
  j.finished_at,
  j.cancel_at,
  j.cancel_by,
  w.id as worker,
  coalesce(j.input, i.body) as input,
  j.result,
  j.metadata,
  j.tags,
  j.error,
  j.reason,
  j.unique_label,
  p.value as progress,
  p.at as progress_at
from json_each(?) s
join drover_job j on j.seq = s.value
join drover_lane l on l.id = j.lane
left join drover_worker w on w.ref = j.worker
left join drover_input i on i.job = j.seq
left join drover_progress p on p.job = j.seq
order by s.key;

-- name: trail_of_job
-- Called by trail. Follows the links from the newest entry back, each by primary key; a job that was snoozed a
-- hundred thousand times gives its newest entries.
with recursive chain (seq, prev, at, from_state, to_state, attempt, worker, actor, reason, error) as (
  select t.seq, t.prev, t.at, t.from_state, t.to_state, t.attempt, t.worker, t.actor, t.reason, t.error
  from drover_trail t
  where t.seq = (select trail from drover_job where seq = ?)
  union all
  select t.seq, t.prev, t.at, t.from_state, t.to_state, t.attempt, t.worker, t.actor, t.reason, t.error
  from chain c
  join drover_trail t on t.seq = c.prev
  limit ?
)
select c.seq, j.id, l.kind, l.queue, c.at, c.from_state, c.to_state, c.attempt, w.id, c.actor, c.reason, c.error
from chain c
join drover_job j on j.seq = ?
join drover_lane l on l.id = j.lane
left join drover_worker w on w.ref = c.worker
order by c.seq;

-- name: trail_after
-- Called by trailAfter. A range of the primary key.
select t.seq, j.id, l.kind, l.queue, t.at, t.from_state, t.to_state, t.attempt, w.id, t.actor, t.reason, t.error
from drover_trail t
join drover_job j on j.seq = t.job
join drover_lane l on l.id = j.lane
left join drover_worker w on w.ref = t.worker
where t.seq > ?
order by t.seq
limit ?;

-- name: all_lanes
-- Called by queueCounts and by selections that name queues or kinds. Some dozens of rows.
select id, queue, kind from drover_lane;

-- name: enqueued_at_from
-- Called by selections with a time of enqueue, which grows with seq, to find the seq by halving. By primary key.
select enqueued_at from drover_job where seq >= ? order by seq limit 1;

-- name: seq_below
-- Called by walks over all jobs, newest first: where the next piece of so many rows ends.
select seq from drover_job where seq < ? order by seq desc limit 1 offset ?;

-- name: seq_above
-- Called by walks over all jobs, oldest first: where the next piece of so many rows ends.
select seq from drover_job where seq > ? order by seq limit 1 offset ?;

-- name: count_due_of_lane
-- Called by queueCounts. A bounded walk of drover_job_due, which covers it.
select state, count(*)
from (select state from drover_job where lane = ? and state in (0, 3) limit ?)
group by state;

-- name: count_ready_of_lane
-- Called by queueCounts. A bounded walk of drover_job_ready.
select count(*) from (select 1 from drover_job where lane = ? and state = 1 limit ?);

-- name: count_running_by_lane
-- Called by queueCounts. As many rows as there are slots in use, by drover_job_running.
select lane, count(*) from drover_job where state = 2 group by lane;

-- name: count_finished_by_lane
-- Called by queueCounts for each final state. A bounded walk of drover_job_finished, which covers it, from the
-- newest end.
select lane, count(*)
from (
  select lane from drover_job where state >= 4 and state = ? order by finished_at desc limit ?
)
group by lane;

-- name: oldest_due_of_lane
-- Called by queueCounts: of the jobs that wait for a future or a past instant, the first. By drover_job_due.
select run_at from drover_job where lane = ? and state in (0, 3) order by run_at limit 1;

-- name: first_ready_from
-- Called by queueCounts once for each priority in use: the first job of a lane at or after a rank.
select rank, run_at, priority
from drover_job
where lane = ? and state = 1 and solo = 0 and rank >= ?
order by rank
limit 1;

-- name: oldest_solo_of_lane
-- Called by queueCounts. Few rows, by drover_job_ready.
select min(run_at) from drover_job where lane = ? and state = 1 and solo = 1;

-- name: oldest_of_tracks
-- Called by queueCounts: of each track the first job, which is the oldest of its priority. By the unique index of
-- drover_track, and drover_job_ready for each.
select min((select j.run_at from drover_job j where j.lane = t.lane and j.state = 1 and j.solo = t.id order by j.rank limit 1))
from (select id, lane from drover_track where lane = ? limit ?) t;

-- name: all_queues
-- Called by queueSettings and queueCounts. As many rows as queues were ever changed.
select name, paused_at, slots, aging_ms from drover_queue order by name;

-- name: log_lines
-- Called by log. Served by drover_log_job, whose order is that of the lines.
select attempt, at, level, message, fields from drover_log where job = ? order by seq;

-- name: log_count
-- Called by log and appendLog. By primary key.
select kept, bytes, dropped from drover_log_count where job = ?;
