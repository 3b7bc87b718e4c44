-- name: find_queue
-- Called by claims and enqueues when the generation changed. By primary key.
select paused_at, aging_ms from drover_queue where name = ?;

-- name: read_queues
-- Called by peek and queueSettings. As many rows as queues that an operator has touched.
select name, paused_at, slots, aging_ms from drover_queue order by name;
