-- name: schedule_by_name
-- Called by schedule and scheduleTicks. By the unique index on name.
select
  s.name,
  s.version,
  s.deployment,
  s.declared,
  s.changed,
  s.anchor_at,
  s.next_at,
  s.fire_at,
  s.held_at,
  s.paused_at,
  s.retired_at,
  s.deleted_at,
  s.failure,
  s.last_at,
  s.last_job,
  s.created_at,
  s.updated_at,
  s.updated_by,
  s.id,
  s.ticks
from {schema}.schedule s
where s.name = $1::text;

-- name: lock_schedules
-- Called first by every write to schedules, in the order of their names, so that no two writes wait for each other.
-- The last column is now.
select
  s.name,
  s.version,
  s.deployment,
  s.declared,
  s.changed,
  s.anchor_at,
  s.next_at,
  s.fire_at,
  s.held_at,
  s.paused_at,
  s.retired_at,
  s.deleted_at,
  s.failure,
  s.last_at,
  s.last_job,
  s.created_at,
  s.updated_at,
  s.updated_by,
  s.id,
  s.ticks,
  {schema}.clock_ms()
from {schema}.schedule s
where s.name = any ($1::text[])
order by s.name
for update;

-- name: schedules_after
-- Called by schedules. By the unique index on name.
select
  s.name,
  s.version,
  s.deployment,
  s.declared,
  s.changed,
  s.anchor_at,
  s.next_at,
  s.fire_at,
  s.held_at,
  s.paused_at,
  s.retired_at,
  s.deleted_at,
  s.failure,
  s.last_at,
  s.last_job,
  s.created_at,
  s.updated_at,
  s.updated_by,
  s.id,
  s.ticks
from {schema}.schedule s
where s.name > $1::text
order by s.name
limit $2::integer;

-- name: due_schedules
-- Called by dueSchedules with its time. A range of schedule_due.
select
  s.name,
  s.version,
  s.deployment,
  s.declared,
  s.changed,
  s.anchor_at,
  s.next_at,
  s.fire_at,
  s.held_at,
  s.paused_at,
  s.retired_at,
  s.deleted_at,
  s.failure,
  s.last_at,
  s.last_job,
  s.created_at,
  s.updated_at,
  s.updated_by,
  s.id,
  s.ticks
from {schema}.schedule s
where s.fire_at <= $1::bigint
order by s.fire_at, s.id
limit $2::integer;

-- name: next_schedule
-- Called by dueSchedules. The first entry of schedule_due after its time.
select fire_at from {schema}.schedule where fire_at > $1::bigint order by fire_at limit 1;

-- name: held_schedules
-- Called by dueSchedules. schedule_held holds only what waits, and the former job is found by its id.
select
  s.name,
  s.version,
  s.deployment,
  s.declared,
  s.changed,
  s.anchor_at,
  s.next_at,
  s.fire_at,
  s.held_at,
  s.paused_at,
  s.retired_at,
  s.deleted_at,
  s.failure,
  s.last_at,
  s.last_job,
  s.created_at,
  s.updated_at,
  s.updated_by,
  s.id,
  s.ticks
from {schema}.schedule s
where s.held_at is not null
  and s.paused_at is null
  and s.retired_at is null
  and s.deleted_at is null
  and s.failure is null
  and not exists (select from {schema}.job j where j.id = s.last_job and j.state < 4)
order by s.held_at
limit $1::integer;

-- name: any_held
-- Called by dueSchedules. Whether anything waits for a job to end. By schedule_held.
select 1
from {schema}.schedule s
where s.held_at is not null
  and s.paused_at is null
  and s.retired_at is null
  and s.deleted_at is null
  and s.failure is null
limit 1;

-- name: add_schedule
-- Called by the change that creates a schedule. No row when the name is taken.
insert into {schema}.schedule (
  name, version, deployment, declared, changed, anchor_at, next_at, fire_at, held_at, paused_at, retired_at,
  deleted_at, failure, ticks, created_at, updated_at, updated_by)
select
  $1::text, 1, $2::text, $3::text, $4::text, coalesce($5::bigint, c.now), $6::bigint, $7::bigint, $8::bigint,
  case when $9::boolean then c.now end, case when $10::boolean then c.now end, case when $11::boolean then c.now end,
  $12::text, 0, c.now, c.now, $13::text
from (select {schema}.clock_ms() as now) c
on conflict (name) do nothing
returning id;

-- name: put_schedule
-- Called by changes and deployments, for a row that is locked. A flag that stays keeps its first instant.
update {schema}.schedule s
set
  version = s.version + 1,
  deployment = $1::text,
  declared = $2::text,
  changed = $3::text,
  anchor_at = coalesce($4::bigint, s.anchor_at),
  next_at = $5::bigint,
  fire_at = $6::bigint,
  held_at = $7::bigint,
  paused_at = case when $8::boolean then coalesce(s.paused_at, c.now) end,
  retired_at = case when $9::boolean then coalesce(s.retired_at, c.now) end,
  deleted_at = case when $10::boolean then coalesce(s.deleted_at, c.now) end,
  failure = $11::text,
  updated_at = c.now,
  updated_by = $12::text
from (select {schema}.clock_ms() as now) c
where s.id = $13::integer
returning s.id;

-- name: move_schedules
-- Called by tickSchedules for rows that are locked: the pointers behind what was written, and the count of lines.
update {schema}.schedule s
set
  version = s.version + 1,
  next_at = m.next_at,
  fire_at = m.fire_at,
  held_at = m.held_at,
  last_at = m.last_at,
  last_job = m.last_job,
  failure = m.failure,
  ticks = m.ticks
from json_to_recordset($1::text::json) as m (
  id integer, next_at bigint, fire_at bigint, held_at bigint, last_at bigint, last_job uuid, failure text, ticks bigint)
where s.id = m.id
returning s.id;

-- name: count_ticks
-- Called when a change or a trigger wrote lines of history, for a row that is locked. By primary key.
update {schema}.schedule set ticks = $1::bigint where id = $2::integer returning id;

-- name: delete_schedule
-- Called by removeSchedule, for a row that is locked. By primary key.
delete from {schema}.schedule where id = $1::integer returning id;

-- name: delete_ticks
-- Called by removeSchedule. A range of the primary key.
delete from {schema}.tick where schedule = $1::integer returning n;

-- name: add_ticks
-- Called whenever lines of history are written. tick_planned keeps a planned instant from being written twice.
insert into {schema}.tick (schedule, n, at, through_at, count, job, reason, actor, recorded_at)
select t.schedule, t.n, t.at, t.through_at, t.count, t.job, t.reason, t.actor, {schema}.clock_ms()
from json_to_recordset($1::text::json) as t (
  schedule integer, n bigint, at bigint, through_at bigint, count bigint, job uuid, reason text, actor text)
order by t.schedule, t.n
on conflict do nothing
returning n;

-- name: planned_ticks
-- Called by tickSchedules before it decides. By tick_planned.
select t.schedule, t.at, t.job
from {schema}.tick t
join unnest($1::integer[], $2::bigint[]) as w (schedule, at) on w.schedule = t.schedule and w.at = t.at
where t.actor is null;

-- name: release_tick
-- Called when a held tick goes on. By tick_planned.
update {schema}.tick
set job = $1::text::uuid, reason = null
where schedule = $2::integer and at = $3::bigint and actor is null and job is null
returning n;

-- name: forget_ticks
-- Called whenever lines of history were written. A range of the primary key.
delete from {schema}.tick where schedule = $1::integer and n <= $2::bigint returning n;

-- name: ticks_before
-- Called by scheduleTicks. A range of the primary key, from its end.
select n, at, through_at, count, job, reason, actor, recorded_at
from {schema}.tick
where schedule = $1::integer and n < $2::bigint
order by n desc
limit $3::integer;

-- name: unfinished_jobs
-- Called by tickSchedules for schedules that must not overlap. By primary key.
select id from {schema}.job where id = any ($1::uuid[]) and state < 4;

-- name: add_schedule_change
-- Called by every change. No row when it was there already.
insert into {schema}.schedule_change (id, schedule, at, actor, action, detail)
values ($1::text, $2::text, {schema}.clock_ms(), $3::text, $4::text, $5::text)
on conflict (id) do nothing
returning seq;

-- name: schedule_change_by_id
-- Called before a change, to know one that was sent again. By the unique index on id.
select seq from {schema}.schedule_change where id = $1::text;

-- name: changes_of_schedule
-- Called by scheduleChanges. By schedule_change_of, from its end.
select seq, schedule, at, actor, action, detail
from {schema}.schedule_change
where schedule = $1::text and seq < $2::bigint
order by seq desc
limit $3::integer;

-- name: changes_of_schedules
-- Called by scheduleChanges. By primary key, from its end.
select seq, schedule, at, actor, action, detail
from {schema}.schedule_change
where seq < $1::bigint
order by seq desc
limit $2::integer;

-- name: lock_configs
-- Called first by every deployment: one at a time, readers go on.
lock table {schema}.schedule_config in share row exclusive mode;

-- name: newest_config
-- Called by every deployment. The end of a range of the primary key.
select generation, hash from {schema}.schedule_config
where deployment = $1::text
order by generation desc
limit 1;

-- name: config_by_hash
-- Called by every deployment. By schedule_config_hash.
select max(generation) from {schema}.schedule_config where deployment = $1::text and hash = $2::text;

-- name: add_config
-- Called by the first deployment of a configuration.
insert into {schema}.schedule_config (deployment, generation, hash, at)
values ($1::text, $2::bigint, $3::text, {schema}.clock_ms())
on conflict do nothing
returning generation;

-- name: forget_configs
-- Called by the first deployment of a configuration: those that are too old to be met again.
delete from {schema}.schedule_config where deployment = $1::text and generation < $2::bigint returning generation;
