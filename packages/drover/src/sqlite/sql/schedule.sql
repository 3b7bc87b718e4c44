-- name: schedule_by_name
-- Called by every operation on one schedule. By the unique index on name.
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
from drover_schedule s
where s.name = ?;

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
from drover_schedule s
where s.name > ?
order by s.name
limit ?;

-- name: due_schedules
-- Called by dueSchedules. A range of drover_schedule_due.
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
from drover_schedule s
where s.fire_at <= ?
order by s.fire_at, s.id
limit ?;

-- name: next_schedule
-- Called by dueSchedules. The first entry of drover_schedule_due after now.
select fire_at from drover_schedule where fire_at > ? order by fire_at limit 1;

-- name: held_schedules
-- Called by dueSchedules. drover_schedule_held holds only what waits, and the former job is found by its id.
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
from drover_schedule s
where s.held_at is not null
  and s.paused_at is null
  and s.retired_at is null
  and s.deleted_at is null
  and s.failure is null
  and not exists (select 1 from drover_job j where j.id = s.last_job and j.state < 4)
order by s.held_at
limit ?;

-- name: any_held
-- Called by dueSchedules. Whether anything waits for a job to end. By drover_schedule_held.
select 1
from drover_schedule
where held_at is not null and paused_at is null and retired_at is null and deleted_at is null and failure is null
limit 1;

-- name: add_schedule
-- Called by the change that creates a schedule.
insert into drover_schedule (
  name, version, deployment, declared, changed, anchor_at, next_at, fire_at, held_at, paused_at, retired_at,
  deleted_at, failure, ticks, created_at, updated_at, updated_by
) values (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
returning id;

-- name: put_schedule
-- Called by changes and deployments. The version fences it.
update drover_schedule
set
  version = version + 1,
  deployment = ?,
  declared = ?,
  changed = ?,
  anchor_at = ?,
  next_at = ?,
  fire_at = ?,
  held_at = ?,
  paused_at = ?,
  retired_at = ?,
  deleted_at = ?,
  failure = ?,
  updated_at = ?,
  updated_by = ?
where id = ? and version = ?;

-- name: move_schedule
-- Called by ticks: the pointer behind what was written. The version fences it.
update drover_schedule
set
  version = version + 1,
  next_at = ?,
  fire_at = ?,
  held_at = ?,
  last_at = ?,
  last_job = ?,
  failure = ?
where id = ? and version = ?;

-- name: count_ticks
-- Called whenever lines of history were written. By primary key.
update drover_schedule set ticks = ? where id = ?;

-- name: delete_schedule
-- Called by removeSchedule. By primary key.
delete from drover_schedule where id = ?;

-- name: delete_ticks
-- Called by removeSchedule. A range of the primary key.
delete from drover_tick where schedule = ?;

-- name: add_tick
-- Called for every tick. drover_tick_planned keeps a planned instant from being written twice.
insert into drover_tick (schedule, n, at, through_at, count, job, reason, actor, recorded_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict do nothing;

-- name: planned_tick
-- Called before a tick is written. By drover_tick_planned.
select n, job, reason from drover_tick where schedule = ? and at = ? and actor is null;

-- name: release_tick
-- Called when a held tick goes on. By drover_tick_planned.
update drover_tick
set job = ?, reason = null
where schedule = ? and at = ? and actor is null and job is null;

-- name: forget_ticks
-- Called whenever lines of history were written. A range of the primary key.
delete from drover_tick where schedule = ? and n <= ?;

-- name: ticks_before
-- Called by scheduleTicks. A range of the primary key, from its end.
select n, at, through_at, count, job, reason, actor, recorded_at
from drover_tick
where schedule = ? and n < ?
order by n desc
limit ?;

-- name: schedule_job_state
-- Called before a tick whose schedule must not overlap. By the unique index on id. No row once the job was pruned.
select state from drover_job where id = ?;

-- name: add_schedule_change
-- Called by every change. No row when it was there already.
insert into drover_schedule_change (id, schedule, at, actor, action, detail)
values (?, ?, ?, ?, ?, ?)
on conflict (id) do nothing
returning seq;

-- name: schedule_change_by_id
-- Called before a change, to know one that was sent again. By the unique index on id.
select seq from drover_schedule_change where id = ?;

-- name: changes_of_schedule
-- Called by scheduleChanges. By drover_schedule_change_of, from its end.
select seq, schedule, at, actor, action, detail
from drover_schedule_change
where schedule = ? and seq < ?
order by seq desc
limit ?;

-- name: changes_of_schedules
-- Called by scheduleChanges. By primary key, from its end.
select seq, schedule, at, actor, action, detail
from drover_schedule_change
where seq < ?
order by seq desc
limit ?;

-- name: newest_config
-- Called by every deployment. The end of a range of the primary key.
select generation, hash from drover_schedule_config where deployment = ? order by generation desc limit 1;

-- name: config_by_hash
-- Called by every deployment. By drover_schedule_config_hash.
select max(generation) from drover_schedule_config where deployment = ? and hash = ?;

-- name: add_config
-- Called by the first deployment of a configuration.
insert into drover_schedule_config (deployment, generation, hash, at) values (?, ?, ?, ?);

-- name: forget_configs
-- Called by the first deployment of a configuration: those that are too old to be met again.
delete from drover_schedule_config where deployment = ? and generation < ?;
