-- name: find_lane
-- Called when a process meets a pair of queue and kind for the first time. Served by the unique index.
select id from drover_lane where queue = ? and kind = ?;

-- name: add_lane
-- Called by the first enqueue of a kind into a queue.
insert into drover_lane (queue, kind) values (?, ?) returning id;

-- name: lane_by_id
-- Called when a process meets a lane that another one made.
select queue, kind from drover_lane where id = ?;
