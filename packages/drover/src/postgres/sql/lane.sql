-- name: find_lanes
-- Called when a process enqueues into a pair of queue and kind for the first time. By the unique index.
select l.queue, l.kind, l.id
from unnest($1::text[], $2::text[]) p (queue, kind)
join {schema}.lane l on l.queue = p.queue and l.kind = p.kind;

-- name: lanes_of_queues
-- Called by claims and looks of workers some of whose kinds never had a job in some of their queues: all lanes of those
-- queues that have another number of them than the process knows; lanes are never deleted. By the unique index, queue by
-- queue.
select l.queue, l.kind, l.id
from unnest($1::text[], $2::integer[]) q (name, known)
cross join lateral (select count(*) as many from {schema}.lane c where c.queue = q.name) n
join {schema}.lane l on l.queue = q.name
where n.many <> q.known;

-- name: make_lanes
-- Called by the first enqueue of a kind into a queue; in order, so that two never wait for each other.
insert into {schema}.lane (queue, kind)
select p.queue, p.kind from unnest($1::text[], $2::text[]) p (queue, kind) order by p.queue, p.kind
on conflict do nothing;

-- name: lanes_by_id
-- Called when a process meets a lane that another one made.
select l.queue, l.kind, l.id from {schema}.lane l where l.id = any ($1::integer[]);

-- name: joined_lanes
-- Called inside of a user's own transaction, before it enqueues into lanes that the process has not met: how many of them
-- it does not see, and its isolation level.
select json_build_array(count(*) filter (where l.id is null), current_setting('transaction_isolation'))::text as reply
from json_array_elements($1::text::json) p
left join {schema}.lane l on l.queue = p ->> 0 and l.kind = p ->> 1;
