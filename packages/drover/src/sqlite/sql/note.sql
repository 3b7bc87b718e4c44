-- name: held_attempt
-- Called by progress and appendLog: the fence. By primary key.
select 1 from drover_job where seq = ? and state = 2 and attempt = ? and token = ?;

-- name: put_progress
-- Called by progress. One row for each job, by primary key.
insert into drover_progress (job, at, value)
values (?, ?, ?)
on conflict (job) do update
set at = excluded.at, value = excluded.value;

-- name: add_log
-- Called by appendLog for each line.
insert into drover_log (job, attempt, at, level, message, fields) values (?, ?, ?, ?, ?, ?);

-- name: put_log_count
-- Called by appendLog once. By primary key.
insert into drover_log_count (job, kept, bytes, dropped)
values (?, ?, ?, ?)
on conflict (job) do update
set kept = excluded.kept, bytes = excluded.bytes, dropped = excluded.dropped;

-- name: oldest_log_lines
-- Called by appendLog when a log is full. By drover_log_job.
select seq, octet_length(message) + octet_length(coalesce(fields, ''))
from drover_log
where job = ?
order by seq
limit ?;

-- name: delete_log_line
-- Called by appendLog when a log is full. By primary key.
delete from drover_log where seq = ?;
