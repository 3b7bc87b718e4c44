-- name: put_progress
-- Called by progress. One row for each job, by primary key, if the attempt still holds it.
insert into {schema}.progress (job, at, value)
select j.id, floor(extract(epoch from now()) * 1000)::bigint, $4::text
from {schema}.job j
where j.id = $1::uuid and j.state = 2 and j.attempt = $2::integer and j.token = $3::bigint
for share
on conflict (job) do update set at = excluded.at, value = excluded.value
returning 1;

-- name: held_attempt
-- Called by appendLog: the fence, kept until the transaction ends. By primary key.
select 1 from {schema}.job j
where j.id = $1::uuid and j.state = 2 and j.attempt = $2::integer and j.token = $3::bigint
for no key update;

-- name: add_log
-- Called by appendLog.
insert into {schema}.log (job, attempt, at, level, message, fields)
select $1::uuid, (e ->> 0)::integer, (e ->> 1)::bigint, e ->> 2, e ->> 3, e ->> 4
from json_array_elements($2::text::json) with ordinality l (e, n)
order by l.n;

-- name: put_log_count
-- Called by appendLog once. By primary key.
insert into {schema}.log_count (job, kept, bytes, dropped)
values ($1::uuid, $2::integer, $3::integer, $4::bigint)
on conflict (job) do update
set kept = excluded.kept, bytes = excluded.bytes, dropped = excluded.dropped;

-- name: oldest_log_lines
-- Called by appendLog when a log is full. By log_job.
select seq, octet_length(message) + octet_length(coalesce(fields, ''))
from {schema}.log
where job = $1::uuid
order by seq
limit $2::integer;

-- name: delete_log_lines
-- Called by appendLog when a log is full. By primary key.
delete from {schema}.log where seq = any ($1::bigint[]);

-- name: finished_jobs
-- Called by those who wait for jobs. By primary key.
select id, state, result, reason, error from {schema}.job where id = any ($1::uuid[]) and state >= 4;
