-- name: find_lane
-- Called when a process meets a pair of queue and kind for the first time. Served by the unique index.
select id from drover_lane where queue = ? and kind = ?;

-- name: lanes_of_queue
-- Called by claims and looks of workers with many kinds of which some never had a job in the queue. By the unique index.
select id, kind from drover_lane where queue = ?;

-- name: add_lane
-- Called by the first enqueue of a kind into a queue.
insert into drover_lane (queue, kind) values (?, ?) returning id;

-- name: lane_outlook
-- Called by peek for each lane: whether an ordinary job waits, whether one that runs alone does, and when the first of
-- those that are not promoted is due. Three look-ups in drover_job_ready and drover_job_due, one statement.
select
  exists (select 1 from drover_job where lane = ? and state = 1 and solo = 0),
  exists (select 1 from drover_job where lane = ? and state = 1 and solo = 1),
  (select run_at from drover_job where lane = ? and state in (0, 3) order by run_at limit 1);

-- name: lane_by_id
-- Called when a process meets a lane that another one made.
select queue, kind from drover_lane where id = ?;
