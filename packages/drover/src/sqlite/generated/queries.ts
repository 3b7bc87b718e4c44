// Made by `npm run sqlgen` from ../sql/*.sql, where the comments are. Do not edit.

export const queries = {
  delete_trail: `delete from drover_trail
where seq in (
  with recursive chain (seq) as (
    select trail from drover_job where seq = ?
    union all
    select t.prev from chain c join drover_trail t on t.seq = c.seq where t.prev is not null
  )
  select seq from chain
)`,
  delete_log: `delete from drover_log where job = ?`,
  delete_log_count: `delete from drover_log_count where job = ?`,
  delete_progress: `delete from drover_progress where job = ?`,
  delete_hold: `delete from drover_hold
where hash = ?1 and (job = ?2 or trailing = ?2) and (window_until is null or window_until <= ?3)`,
  delete_job: `delete from drover_job where seq = ? and state <> 2`,
  ended_by_age: `select seq from drover_job where state >= 4 and state = ? and finished_at < ? order by finished_at limit ?`,
  oldest_ended: `select seq, finished_at, bytes from drover_job where state >= 4 and state = ? order by finished_at limit ?`,
  expired_jobs: `select seq, id, lane, state, attempt, trail, crashes, interruptions
from drover_job
where expires_at is not null and attempt = 0 and state in (0, 1) and expires_at < ?
order by expires_at
limit ?`,
  pruned_job: `select state, bytes, unique_hash from drover_job where seq = ? and state >= 4`,
  stuck_workers: `select w.id, count(*)
from drover_worker w
join drover_job j on j.worker = w.ref and j.state = 2
where w.ended_at is null and w.lease_until < ?
group by w.ref
limit 1000`,
  worker_infos: `select info from drover_worker where ended_at is null and lease_until >= ? limit 1000`,
  ignored_cancels: `select j.id, l.kind
from drover_job j
join drover_lane l on l.id = j.lane
where j.state = 2 and j.cancel_at is not null and j.cancel_at < ?
order by j.cancel_at
limit 100`,
  find_hold: `select
  h.job,
  h.folded,
  h.window_until,
  h.trailing,
  j.id,
  j.state,
  j.unique_states,
  j.unique_until
from drover_hold h
left join drover_job j on j.seq = h.job
where h.hash = ?`,
  put_hold: `insert into drover_hold (hash, job, folded, window_until, trailing)
values (?, ?, null, ?, ?)
on conflict (hash) do update
set job = excluded.job, folded = null, window_until = excluded.window_until, trailing = excluded.trailing`,
  fold_hold: `update drover_hold set folded = ? where hash = ?`,
  waiting_job: `select seq, id, state, trail, attempt, enqueued_at, run_at, crashes
from drover_job
where seq = ? and state in (0, 1, 3)`,
  replace_job: `update drover_job
set
  lane = ?,
  state = ?,
  rank = ?,
  run_at = ?,
  priority = ?,
  max_attempts = ?,
  max_crashes = ?,
  expires_at = ?,
  timeout_ms = ?,
  input = ?,
  tags = ?,
  metadata = ?,
  retry = ?,
  unique_states = ?,
  unique_until = ?,
  solo = ?,
  keys = ?,
  trail = ?
where seq = ?`,
  set_key: `update drover_job set unique_hash = ?, unique_states = ?, unique_until = ?, unique_label = ? where seq = ?`,
  job_by_id: `select seq, state from drover_job where id = ?`,
  add_input: `insert into drover_input (job, body) values (?, ?) on conflict (job) do update set body = excluded.body`,
  drop_input: `delete from drover_input where job = ?`,
  read_input: `select body from drover_input where job = ?`,
  trail_new_jobs: `insert into drover_trail (seq, job, at, to_state, attempt)
select trail, seq, enqueued_at, state, 0 from drover_job where seq between ? and ?`,
  claim_worker: `select token, lease_until, ended_at from drover_worker where ref = ?`,
  promote_job: `update drover_job set state = 1, trail = ? where seq = ?`,
  promote_keyed: `update drover_job set state = 1, solo = ?, trail = ? where seq = ?`,
  newest_trail: `select trail from drover_job where seq = ?`,
  worker_of_job: `select worker from drover_job where seq = ?`,
  settled_job: `select
  id,
  lane,
  state,
  attempt,
  token,
  trail,
  priority,
  failures,
  crashes,
  interruptions,
  max_crashes,
  solo,
  cancel_at,
  cancel_reason,
  unique_hash,
  unique_states,
  unique_until,
  rank,
  keys
from drover_job
where seq = ?`,
  end_attempt: `update drover_job
set
  state = ?,
  worker = null,
  finished_at = ?,
  failures = ?,
  crashes = ?,
  interruptions = ?,
  reason = ?,
  error = coalesce(?, error),
  trail = ?,
  bytes = ?
where seq = ?`,
  return_attempt: `update drover_job
set
  state = ?,
  worker = null,
  run_at = coalesce(?, run_at),
  rank = coalesce(?, rank),
  failures = ?,
  crashes = ?,
  interruptions = ?,
  solo = ?,
  reason = ?,
  error = coalesce(?, error),
  trail = ?
where seq = ?`,
  unique_key_of_job: `select unique_hash, unique_until from drover_job where seq = ?`,
  read_cancels: `select id, attempt, cancel_reason from drover_job where worker = ? and state = 2 and cancel_at > 0`,
  jobs_of_worker: `select
  seq,
  id,
  lane,
  trail,
  attempt,
  crashes,
  interruptions,
  max_crashes,
  solo,
  cancel_at,
  cancel_reason,
  unique_hash,
  unique_states,
  unique_until,
  rank,
  keys
from drover_job
where worker = ? and state = 2
order by seq
limit ?`,
  hand_back_job: `update drover_job
set
  state = 1,
  worker = null,
  token = null,
  crashes = ?,
  interruptions = ?,
  solo = ?,
  cancel_at = null,
  cancel_reason = null,
  cancel_by = null,
  reason = ?,
  trail = ?
where seq = ? and state = 2 and worker = ?`,
  end_job: `update drover_job
set
  state = ?,
  worker = null,
  token = null,
  crashes = ?,
  interruptions = ?,
  finished_at = ?,
  expires_at = null,
  reason = ?,
  trail = ?,
  bytes = 256
    + octet_length(coalesce(input, (select body from drover_input i where i.job = drover_job.seq), ''))
    + octet_length(coalesce(metadata, ''))
    + octet_length(coalesce(error, ''))
where seq = ? and state = ?
returning bytes`,
  key_holder: `select h.job, h.trailing, j.state, j.unique_states, j.unique_until
from drover_hold h
left join drover_job j on j.seq = h.job
where h.hash = ?`,
  add_key_holder: `insert into drover_hold (hash, job) values (?, ?)`,
  pass_key: `update drover_hold set job = ? where hash = ?`,
  find_lane: `select id from drover_lane where queue = ? and kind = ?`,
  lanes_of_queue: `select id, kind from drover_lane where queue = ?`,
  add_lane: `insert into drover_lane (queue, kind) values (?, ?) returning id`,
  lane_outlook: `select
  exists (select 1 from drover_job where lane = ? and state = 1 and solo = 0),
  exists (select 1 from drover_job where lane = ? and state = 1 and solo = 1),
  (select run_at from drover_job where lane = ? and state in (0, 3) order by run_at limit 1)`,
  lane_by_id: `select queue, kind from drover_lane where id = ?`,
  read_limits: `select id, scope, target, type, by, declared, generation, setting, set_at, set_by, turn from drover_limit order by id`,
  read_keyed_lanes: `select lane from drover_keyed_lane`,
  put_declared: `insert into drover_limit (scope, target, type, by, declared, generation)
values (?, ?, ?, ?, ?, ?)
on conflict (scope, target, type, by) do update
set declared = excluded.declared, generation = excluded.generation
where excluded.generation >= drover_limit.generation`,
  put_setting: `insert into drover_limit (scope, target, type, by, declared, generation, setting, set_at, set_by)
values (?, ?, ?, ?, null, -1, ?, ?, ?)
on conflict (scope, target, type, by) do update
set setting = excluded.setting, set_at = excluded.set_at, set_by = excluded.set_by`,
  forget_limit: `delete from drover_limit where id = ? and declared is null and setting is null`,
  add_keyed_lane: `insert into drover_keyed_lane (lane) values (?) on conflict do nothing`,
  set_keys: `update drover_job set keys = ?, solo = ? where seq = ?`,
  leave_track: `update drover_job set solo = ? where seq = ?`,
  keys_of_job: `select keys from drover_job where seq = ?`,
  find_track: `select id, rank, first from drover_track where lane = ? and alone = ? and keys = ?`,
  add_track: `insert into drover_track (lane, alone, keys, rank, first, share_limit, share_key, turn)
values (?, ?, ?, ?, ?, ?, ?, ?)
returning id`,
  rank_track: `update drover_track set rank = ?, first = ? where id = ?`,
  drop_track: `delete from drover_track where id = ?`,
  open_tracks: `select id, keys, rank, first, turn
from drover_track
where lane = ? and alone = ? and blocked_limit is null
order by turn, rank, first
limit ?`,
  any_track: `select 1 from drover_track where lane = ? and alone = ? limit 1`,
  first_of_track: `select rank, seq from drover_job where lane = ? and state = 1 and solo = ? order by rank, seq limit 1`,
  block_track: `update drover_track set blocked_limit = ?, blocked_key = ?, blocked_until = ? where id = ?`,
  unblock_key: `update drover_track
set
  blocked_limit = null,
  blocked_key = null,
  blocked_until = null,
  turn = max(turn, coalesce((select l.turn from drover_limit l where l.id = share_limit), 0))
where blocked_limit = ? and blocked_key = ?`,
  unblock_limit: `update drover_track
set
  blocked_limit = null,
  blocked_key = null,
  blocked_until = null,
  turn = max(turn, coalesce((select l.turn from drover_limit l where l.id = share_limit), 0))
where blocked_limit = ?`,
  unblock_windows: `update drover_track
set
  blocked_limit = null,
  blocked_key = null,
  blocked_until = null,
  turn = max(turn, coalesce((select l.turn from drover_limit l where l.id = share_limit), 0))
where lane = ? and blocked_until is not null and blocked_until <= ?`,
  track_outlook: `select
  exists (select 1 from drover_track where lane = ?1 and alone = 0 and blocked_limit is null),
  exists (select 1 from drover_track where lane = ?1 and alone = 1 and blocked_limit is null),
  (
    select blocked_until
    from drover_track
    where lane = ?1 and blocked_until is not null
    order by blocked_until
    limit 1
  )`,
  lane_waits: `select 1
where exists (select 1 from drover_job where lane = ? and state = 1)
  or exists (select 1 from drover_job where lane = ? and state in (0, 3) and run_at <= ?)`,
  share_track: `update drover_track set share_limit = ?, share_key = ?, turn = ? where id = ?`,
  tracks_of_lane: `select id, alone, keys, blocked_limit from drover_track where lane = ?`,
  stale_uses: `delete from drover_limit_use
where limit_id = ?
  and key = ?
  and not exists (
    select 1 from drover_job j where j.seq = drover_limit_use.job and j.state = 2 and j.attempt = drover_limit_use.attempt
  )`,
  count_uses: `select count(*) from drover_limit_use where limit_id = ? and key = ?`,
  live_uses: `select count(*)
from drover_limit_use u
where u.limit_id = ?
  and u.key = ?
  and exists (select 1 from drover_job j where j.seq = u.job and j.state = 2 and j.attempt = u.attempt)`,
  busiest_uses: `select u.key, count(*)
from drover_limit_use u
where u.limit_id = ?
  and exists (select 1 from drover_job j where j.seq = u.job and j.state = 2 and j.attempt = u.attempt)
group by u.key`,
  add_use: `insert into drover_limit_use (limit_id, key, job, attempt)
values (?, ?, ?, ?)
on conflict (limit_id, key, job) do update
set attempt = excluded.attempt`,
  forget_uses: `delete from drover_limit_use where limit_id = ?`,
  running_jobs: `select seq, lane, attempt, keys from drover_job where state = 2`,
  window_start: `select at, starts, total from drover_limit_start where limit_id = ? and key = ? and at > ? order by at limit 1`,
  last_start: `select at, total from drover_limit_start where limit_id = ? and key = ? order by at desc limit 1`,
  start_reaching: `select at from drover_limit_start where limit_id = ? and key = ? and at > ? and total >= ? order by at limit 1`,
  add_start: `insert into drover_limit_start (limit_id, key, at, starts, total)
values (?, ?, ?, ?, ?)
on conflict (limit_id, key, at) do update
set starts = drover_limit_start.starts + excluded.starts, total = excluded.total`,
  past_starts: `delete from drover_limit_start where limit_id = ? and key = ? and at <= ?`,
  forget_starts: `delete from drover_limit_start where limit_id = ?`,
  busiest_starts: `select key, sum(starts) from drover_limit_start where limit_id = ? and at > ? group by key`,
  turn_of_key: `select turn from drover_limit_turn where limit_id = ? and key = ?`,
  put_turn: `insert into drover_limit_turn (limit_id, key, turn)
values (?, ?, ?)
on conflict (limit_id, key) do update
set turn = excluded.turn`,
  turn_tracks: `update drover_track set turn = ? where share_limit = ? and share_limit > 0 and share_key = ?`,
  turn_limit: `update drover_limit set turn = max(turn, ?) where id = ?`,
  limit_turn: `select turn from drover_limit where id = ?`,
  forget_turns: `delete from drover_limit_turn where limit_id = ?`,
  count_blocked: `select id, lane from drover_track where blocked_limit = ? limit ?`,
  count_track: `select count(*) from (select 1 from drover_job where lane = ? and state = 1 and solo = ? limit ?)`,
  garbage_uses: `select limit_id, key, job
from drover_limit_use u
where not exists (select 1 from drover_job j where j.seq = u.job and j.state = 2 and j.attempt = u.attempt)
limit ?`,
  drop_use: `delete from drover_limit_use where limit_id = ? and key = ? and job = ?`,
  garbage_starts: `delete from drover_limit_start
where (limit_id, key, at) in (
  select s.limit_id, s.key, s.at from drover_limit_start s where s.limit_id = ? and s.at <= ? limit ?
)`,
  garbage_turns: `delete from drover_limit_turn
where (limit_id, key) in (
  select t.limit_id, t.key
  from drover_limit_turn t
  where t.limit_id = ? and t.turn <= (select l.turn from drover_limit l where l.id = ?)
  limit ?
)`,
  has_past_starts: `select 1 from drover_limit_start where limit_id = ? and at <= ? limit 1`,
  has_past_turns: `select 1 from drover_limit_turn where limit_id = ? and turn <= (select turn from drover_limit where id = ?) limit 1`,
  blocked_keys: `select distinct blocked_limit, blocked_key
from drover_track
where blocked_limit is not null and blocked_until is null
limit 1000`,
  use_of_job: `select attempt from drover_limit_use where limit_id = ? and key = ? and job = ?`,
  rerank_tracks: `update drover_job
set rank = priority * ? + max(run_at, enqueued_at)
where lane = ? and state = 1 and solo > 1`,
  read_move: `select value from drover_meta where key = 'move'`,
  write_move: `insert into drover_meta (key, value) values ('move', ?) on conflict (key) do update set value = excluded.value`,
  forget_move: `delete from drover_meta where key = 'move'`,
  open_door: `insert into drover_meta (key, value) values ('move_door', 'open') on conflict (key) do nothing`,
  close_door: `delete from drover_meta where key = 'move_door'`,
  tables_to_shut: `select name
from sqlite_schema
where type = 'table' and name like 'drover\\_%' escape '\\' and name not in ('drover_meta', 'drover_migration')
order by name`,
  guards: `select name from sqlite_schema where type = 'trigger' and name like 'drover\\_shut\\_%' escape '\\'`,
  leased_workers: `select id from drover_worker where ended_at is null and lease_until > ? order by id limit 100`,
  anything: `select
  exists (select 1 from drover_job)
  or exists (select 1 from drover_worker)
  or exists (select 1 from drover_queue)
  or exists (select 1 from drover_limit)
  or exists (select 1 from drover_schedule)
  or exists (select 1 from drover_hold)`,
  workers_out: `select
  id,
  token,
  host,
  pid,
  started_at,
  beat_at,
  lease_until,
  info,
  ended_at,
  end_reason
from drover_worker
where id > coalesce(?, '')
order by id
limit ?`,
  workers_in: `insert into drover_worker (id, token, host, pid, started_at, beat_at, lease_until, info, ended_at, end_reason)
select
  value ->> 0,
  value ->> 1,
  value ->> 2,
  value ->> 3,
  value ->> 4,
  value ->> 5,
  value ->> 6,
  value ->> 7,
  value ->> 8,
  value ->> 9
from json_each(?)
order by key`,
  jobs_out: `select
  j.id,
  l.kind,
  l.queue,
  j.state,
  j.run_at,
  j.priority,
  j.attempt,
  j.token,
  w.id as worker,
  j.failures,
  j.crashes,
  j.interruptions,
  j.max_attempts,
  j.max_crashes,
  j.enqueued_at,
  j.expires_at,
  j.started_at,
  j.finished_at,
  j.cancel_at,
  j.cancel_reason,
  j.cancel_by,
  j.timeout_ms,
  coalesce(j.input, i.body) as input,
  j.tags,
  j.metadata,
  j.retry,
  j.result,
  j.reason,
  j.error,
  case when j.unique_hash is not null then lower(hex(j.unique_hash)) end as unique_hash,
  j.unique_states,
  j.unique_until,
  j.unique_label,
  p.at as progress_at,
  p.value as progress_value,
  c.kept,
  c.bytes,
  c.dropped,
  j.keys
from drover_job j
join drover_lane l on l.id = j.lane
left join drover_worker w on w.ref = j.worker
left join drover_input i on i.job = j.seq
left join drover_progress p on p.job = j.seq
left join drover_log_count c on c.job = j.seq
where (j.enqueued_at, j.id) > (?, ?)
order by j.enqueued_at, j.id
limit ?`,
  lanes_in: `insert into drover_lane (queue, kind)
select distinct value ->> 2, value ->> 1
from json_each(?)
where true
on conflict (queue, kind) do nothing`,
  jobs_in: `insert into drover_job (
  seq,
  lane,
  rank,
  worker,
  solo,
  trail,
  bytes,
  input,
  unique_hash,
  id,
  state,
  run_at,
  priority,
  attempt,
  token,
  failures,
  crashes,
  interruptions,
  max_attempts,
  max_crashes,
  enqueued_at,
  expires_at,
  started_at,
  finished_at,
  cancel_at,
  cancel_reason,
  cancel_by,
  timeout_ms,
  tags,
  metadata,
  retry,
  result,
  reason,
  error,
  unique_states,
  unique_until,
  unique_label,
  keys
)
select
  ?1 + e.key,
  l.id,
  (e.value ->> 5) * coalesce(q.aging_ms, 8796093022208) + max(e.value ->> 4, e.value ->> 14),
  w.ref,
  (e.value ->> 10) > 0,
  0,
  case when (e.value ->> 3) >= 4 then
    256
    + octet_length(e.value ->> 22)
    + octet_length(coalesce(e.value ->> 24, ''))
    + octet_length(coalesce(e.value ->> 26, ''))
    + octet_length(coalesce(e.value ->> 28, ''))
  else 0 end,
  case when length(e.value ->> 22) <= 2048 then e.value ->> 22 end,
  unhex(e.value ->> 29),
  e.value ->> 0,
  e.value ->> 3,
  e.value ->> 4,
  e.value ->> 5,
  e.value ->> 6,
  e.value ->> 7,
  e.value ->> 9,
  e.value ->> 10,
  e.value ->> 11,
  e.value ->> 12,
  e.value ->> 13,
  e.value ->> 14,
  e.value ->> 15,
  e.value ->> 16,
  e.value ->> 17,
  e.value ->> 18,
  e.value ->> 19,
  e.value ->> 20,
  e.value ->> 21,
  e.value ->> 23,
  e.value ->> 24,
  e.value ->> 25,
  e.value ->> 26,
  e.value ->> 27,
  e.value ->> 28,
  e.value ->> 30,
  e.value ->> 31,
  e.value ->> 32,
  e.value ->> 38
from json_each(?2) e
join drover_lane l on l.queue = e.value ->> 2 and l.kind = e.value ->> 1
left join drover_queue q on q.name = l.queue
left join drover_worker w on w.id = e.value ->> 8`,
  job_inputs_in: `insert into drover_input (job, body)
select j.seq, e.value ->> 22
from json_each(?) e
join drover_job j on j.id = e.value ->> 0
where j.input is null`,
  job_progress_in: `insert into drover_progress (job, at, value)
select j.seq, e.value ->> 33, e.value ->> 34
from json_each(?) e
join drover_job j on j.id = e.value ->> 0
where e.value ->> 33 is not null`,
  job_log_counts_in: `insert into drover_log_count (job, kept, bytes, dropped)
select j.seq, e.value ->> 35, e.value ->> 36, e.value ->> 37
from json_each(?) e
join drover_job j on j.id = e.value ->> 0
where e.value ->> 35 is not null`,
  keyed_jobs_from: `select seq, lane, rank, crashes, keys
from drover_job
where seq >= ? and keys is not null and state = 1
order by seq`,
  finished_bytes_from: `select coalesce(sum(bytes), 0) from drover_job where seq > ?`,
  trail_out: `select t.seq, j.id, t.at, t.from_state, t.to_state, t.attempt, w.id as worker, t.actor, t.reason, t.error
from drover_trail t
join drover_job j on j.seq = t.job
left join drover_worker w on w.ref = t.worker
where t.seq > ?
order by t.seq
limit ?`,
  trail_in: `insert into drover_trail (seq, prev, job, at, from_state, to_state, attempt, worker, actor, reason, error)
select
  ?1 + e.key,
  coalesce(lag(?1 + e.key) over (partition by j.seq order by e.key), nullif(j.trail, 0)),
  j.seq,
  e.value ->> 1,
  e.value ->> 2,
  e.value ->> 3,
  e.value ->> 4,
  w.ref,
  e.value ->> 6,
  e.value ->> 7,
  e.value ->> 8
from json_each(?2) e
join drover_job j on j.id = e.value ->> 0
left join drover_worker w on w.id = e.value ->> 5`,
  trail_heads_in: `update drover_job
set trail = t.seq
from (select job, max(seq) as seq from drover_trail where seq >= ? group by job) t
where drover_job.seq = t.job`,
  holds_out: `select lower(hex(h.hash)), j.id as job, h.folded, h.window_until, t.id as window_job
from drover_hold h
left join drover_job j on j.seq = h.job
left join drover_job t on t.seq = h.trailing
where h.hash > unhex(coalesce(?, ''))
order by h.hash
limit ?`,
  holds_in: `insert into drover_hold (hash, job, folded, window_until, trailing)
select unhex(e.value ->> 0), coalesce(j.seq, 0), e.value ->> 2, e.value ->> 3, t.seq
from json_each(?) e
left join drover_job j on j.id = e.value ->> 1
left join drover_job t on t.id = e.value ->> 4`,
  logs_out: `select g.seq, j.id, g.attempt, g.at, g.level, g.message, g.fields
from drover_log g
join drover_job j on j.seq = g.job
where g.seq > ?
order by g.seq
limit ?`,
  logs_in: `insert into drover_log (job, attempt, at, level, message, fields)
select j.seq, e.value ->> 1, e.value ->> 2, e.value ->> 3, e.value ->> 4, e.value ->> 5
from json_each(?) e
join drover_job j on j.id = e.value ->> 0
order by e.key`,
  limits_out: `select id, scope, target, type, by, declared, generation, setting, set_at, set_by, turn
from drover_limit
where id > ?
order by id
limit ?`,
  limits_in: `insert into drover_limit (id, scope, target, type, by, declared, generation, setting, set_at, set_by, turn)
select
  value ->> 0,
  value ->> 1,
  value ->> 2,
  value ->> 3,
  value ->> 4,
  value ->> 5,
  value ->> 6,
  value ->> 7,
  value ->> 8,
  value ->> 9,
  value ->> 10
from json_each(?)`,
  limit_starts_out: `select limit_id, key, at, starts
from drover_limit_start
where (limit_id, key, at) > (?, ?, ?)
order by limit_id, key, at
limit ?`,
  limit_starts_in: `insert into drover_limit_start (limit_id, key, at, starts, total)
select
  e.value ->> 0,
  e.value ->> 1,
  e.value ->> 2,
  e.value ->> 3,
  sum(e.value ->> 3) over (partition by e.value ->> 0, e.value ->> 1 order by e.value ->> 2)
  + coalesce(
    (select max(s.total) from drover_limit_start s where s.limit_id = e.value ->> 0 and s.key = e.value ->> 1),
    0
  )
from json_each(?) e`,
  limit_uses_out: `select u.limit_id, u.key, j.id, u.attempt
from drover_limit_use u
join drover_job j on j.seq = u.job
where (u.limit_id, u.key, j.id) > (?, ?, ?)
order by u.limit_id, u.key, j.id
limit ?`,
  limit_uses_in: `insert into drover_limit_use (limit_id, key, job, attempt)
select e.value ->> 0, e.value ->> 1, j.seq, e.value ->> 3
from json_each(?) e
join drover_job j on j.id = e.value ->> 2`,
  held_attempt: `select 1 from drover_job where seq = ? and state = 2 and attempt = ? and token = ?`,
  put_progress: `insert into drover_progress (job, at, value)
values (?, ?, ?)
on conflict (job) do update
set at = excluded.at, value = excluded.value`,
  add_log: `insert into drover_log (job, attempt, at, level, message, fields) values (?, ?, ?, ?, ?, ?)`,
  put_log_count: `insert into drover_log_count (job, kept, bytes, dropped)
values (?, ?, ?, ?)
on conflict (job) do update
set kept = excluded.kept, bytes = excluded.bytes, dropped = excluded.dropped`,
  oldest_log_lines: `select seq, octet_length(message) + octet_length(coalesce(fields, ''))
from drover_log
where job = ?
order by seq
limit ?`,
  delete_log_line: `delete from drover_log where seq = ?`,
  acted_job: `select
  id,
  state,
  attempt,
  trail,
  lane,
  priority,
  failures,
  crashes,
  interruptions,
  max_attempts,
  max_crashes,
  bytes,
  unique_hash,
  unique_states,
  unique_until,
  keys
from drover_job
where seq = ?`,
  request_cancel: `update drover_job
set cancel_at = ?, cancel_reason = ?, cancel_by = ?
where seq = ? and state = 2 and cancel_at is null`,
  revive_job: `update drover_job
set
  state = 1,
  rank = ?,
  run_at = ?,
  token = null,
  max_attempts = ?,
  max_crashes = ?,
  solo = ?,
  expires_at = null,
  finished_at = null,
  cancel_at = null,
  cancel_reason = null,
  cancel_by = null,
  result = null,
  reason = null,
  error = null,
  bytes = 0,
  trail = ?
where seq = ? and state = ?`,
  edited_job: `select
  j.seq,
  j.state,
  j.attempt,
  j.trail,
  l.queue,
  l.kind,
  j.priority,
  j.run_at,
  j.enqueued_at,
  j.expires_at,
  j.max_attempts,
  j.timeout_ms,
  j.tags,
  j.metadata,
  j.retry,
  j.crashes,
  j.keys
from drover_job j
join drover_lane l on l.id = j.lane
where j.id = ?`,
  edit_job: `update drover_job
set
  lane = ?,
  state = ?,
  rank = ?,
  run_at = ?,
  priority = ?,
  expires_at = ?,
  max_attempts = ?,
  timeout_ms = ?,
  tags = ?,
  metadata = ?,
  retry = ?,
  solo = ?,
  keys = ?,
  trail = ?
where seq = ? and state in (0, 1, 3)`,
  set_input: `update drover_job set input = ? where seq = ?`,
  put_queue: `insert into drover_queue (name, paused_at, slots, aging_ms, updated_at, updated_by)
values (?, ?, ?, ?, ?, ?)
on conflict (name) do update
set
  paused_at = excluded.paused_at,
  slots = excluded.slots,
  aging_ms = excluded.aging_ms,
  updated_at = excluded.updated_at,
  updated_by = excluded.updated_by`,
  stored_queue: `select paused_at, slots, aging_ms from drover_queue where name = ?`,
  rerank_ready: `update drover_job
set rank = priority * ? + max(run_at, enqueued_at)
where lane = ? and state = 1 and solo = 0`,
  rerank_solo: `update drover_job
set rank = priority * ? + max(run_at, enqueued_at)
where lane = ? and state = 1 and solo = 1`,
  rerank_due: `update drover_job
set rank = priority * ? + max(run_at, enqueued_at)
where lane = ? and state in (0, 3)`,
  read_pulse: `select
  instance,
  store_at,
  job_seq,
  trail_seq,
  finished_bytes,
  config_generation,
  iif(stamped_at = store_at, mono, null) as mono,
  mono_origin
from drover_pulse
where one = 1`,
  lock_pulse: `update drover_pulse set store_at = store_at where one = 1`,
  write_pulse: `update drover_pulse
set
  store_at = max(store_at, ?),
  job_seq = ?,
  trail_seq = ?,
  finished_bytes = ?,
  config_generation = ?,
  stamped_at = ?,
  mono = ?,
  mono_origin = ?
where one = 1`,
  advance_clock: `update drover_pulse
set store_at = max(store_at, ?), stamped_at = ?, mono = ?, mono_origin = ?
where one = 1`,
  seq_of_job: `select seq from drover_job where id = ?`,
  job_rows: `select
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
order by s.key`,
  trail_of_job: `with recursive chain (seq, prev, at, from_state, to_state, attempt, worker, actor, reason, error) as (
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
order by c.seq`,
  trail_after: `select t.seq, j.id, l.kind, l.queue, t.at, t.from_state, t.to_state, t.attempt, w.id, t.actor, t.reason, t.error
from drover_trail t
join drover_job j on j.seq = t.job
join drover_lane l on l.id = j.lane
left join drover_worker w on w.ref = t.worker
where t.seq > ?
order by t.seq
limit ?`,
  all_lanes: `select id, queue, kind from drover_lane`,
  enqueued_at_from: `select enqueued_at from drover_job where seq >= ? order by seq limit 1`,
  seq_below: `select seq from drover_job where seq < ? order by seq desc limit 1 offset ?`,
  seq_above: `select seq from drover_job where seq > ? order by seq limit 1 offset ?`,
  count_due_of_lane: `select state, count(*)
from (select state from drover_job where lane = ? and state in (0, 3) limit ?)
group by state`,
  count_ready_of_lane: `select count(*) from (select 1 from drover_job where lane = ? and state = 1 limit ?)`,
  count_running_by_lane: `select lane, count(*) from drover_job where state = 2 group by lane`,
  count_finished_by_lane: `select lane, count(*)
from (
  select lane from drover_job where state >= 4 and state = ? order by finished_at desc limit ?
)
group by lane`,
  oldest_due_of_lane: `select run_at from drover_job where lane = ? and state in (0, 3) order by run_at limit 1`,
  first_ready_from: `select rank, run_at, priority
from drover_job
where lane = ? and state = 1 and solo = 0 and rank >= ?
order by rank
limit 1`,
  oldest_solo_of_lane: `select min(run_at) from drover_job where lane = ? and state = 1 and solo = 1`,
  oldest_of_tracks: `select min((select j.run_at from drover_job j where j.lane = t.lane and j.state = 1 and j.solo = t.id order by j.rank limit 1))
from (select id, lane from drover_track where lane = ? limit ?) t`,
  all_queues: `select name, paused_at, slots, aging_ms from drover_queue order by name`,
  log_lines: `select attempt, at, level, message, fields from drover_log where job = ? order by seq`,
  log_count: `select kept, bytes, dropped from drover_log_count where job = ?`,
  find_queue: `select paused_at, aging_ms from drover_queue where name = ?`,
  read_queues: `select name, paused_at, slots, aging_ms from drover_queue order by name`,
  schedule_by_name: `select
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
where s.name = ?`,
  schedules_after: `select
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
limit ?`,
  due_schedules: `select
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
limit ?`,
  next_schedule: `select fire_at from drover_schedule where fire_at > ? order by fire_at limit 1`,
  held_schedules: `select
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
limit ?`,
  any_held: `select 1
from drover_schedule
where held_at is not null and paused_at is null and retired_at is null and deleted_at is null and failure is null
limit 1`,
  add_schedule: `insert into drover_schedule (
  name, version, deployment, declared, changed, anchor_at, next_at, fire_at, held_at, paused_at, retired_at,
  deleted_at, failure, ticks, created_at, updated_at, updated_by
) values (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
returning id`,
  put_schedule: `update drover_schedule
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
where id = ? and version = ?`,
  move_schedule: `update drover_schedule
set
  version = version + 1,
  next_at = ?,
  fire_at = ?,
  held_at = ?,
  last_at = ?,
  last_job = ?,
  failure = ?
where id = ? and version = ?`,
  count_ticks: `update drover_schedule set ticks = ? where id = ?`,
  delete_schedule: `delete from drover_schedule where id = ?`,
  delete_ticks: `delete from drover_tick where schedule = ?`,
  add_tick: `insert into drover_tick (schedule, n, at, through_at, count, job, reason, actor, recorded_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict do nothing`,
  planned_tick: `select n, job, reason from drover_tick where schedule = ? and at = ? and actor is null`,
  release_tick: `update drover_tick
set job = ?, reason = null
where schedule = ? and at = ? and actor is null and job is null`,
  forget_ticks: `delete from drover_tick where schedule = ? and n <= ?`,
  ticks_before: `select n, at, through_at, count, job, reason, actor, recorded_at
from drover_tick
where schedule = ? and n < ?
order by n desc
limit ?`,
  schedule_job_state: `select state from drover_job where id = ?`,
  add_schedule_change: `insert into drover_schedule_change (id, schedule, at, actor, action, detail)
values (?, ?, ?, ?, ?, ?)
on conflict (id) do nothing
returning seq`,
  schedule_change_by_id: `select seq from drover_schedule_change where id = ?`,
  changes_of_schedule: `select seq, schedule, at, actor, action, detail
from drover_schedule_change
where schedule = ? and seq < ?
order by seq desc
limit ?`,
  changes_of_schedules: `select seq, schedule, at, actor, action, detail
from drover_schedule_change
where seq < ?
order by seq desc
limit ?`,
  newest_config: `select generation, hash from drover_schedule_config where deployment = ? order by generation desc limit 1`,
  config_by_hash: `select max(generation) from drover_schedule_config where deployment = ? and hash = ?`,
  add_config: `insert into drover_schedule_config (deployment, generation, hash, at) values (?, ?, ?, ?)`,
  forget_configs: `delete from drover_schedule_config where deployment = ? and generation < ?`,
  read_term: `select term, token, candidate, host, pid, proof, info, elected_at, renewed_at, until_at from drover_term`,
  live_term: `select 1 from drover_term where term = ? and token = ? and until_at > ?`,
  begin_term: `update drover_term
set
  term = term + 1,
  token = ?,
  candidate = ?,
  host = ?,
  pid = ?,
  proof = ?,
  info = ?,
  elected_at = ?,
  renewed_at = ?,
  until_at = ?
returning term`,
  renew_term: `update drover_term
set renewed_at = ?1, until_at = ?2
where term = ?3 and token = ?4 and until_at > ?1`,
  resign_term: `update drover_term
set token = null, until_at = ?1
where term = ?2 and token = ?3 and until_at > ?1`,
  read_turn: `select at from drover_turn where service = ?`,
  take_turn: `insert into drover_turn (service, at, term)
values (?, ?, ?)
on conflict (service) do update set at = excluded.at, term = excluded.term`,
  term_took_turns: `select count(*) from drover_turn where term = ?`,
  idle_workers: `select ref from drover_worker
where ended_at is not null
  and ended_at < coalesce((select at from drover_trail where seq = (select min(seq) from drover_trail)), 9007199254740991)
limit 1`,
  ended_workers: `delete from drover_worker
where ref in (
  select ref from drover_worker
  where ended_at is not null
    and ended_at < coalesce((select at from drover_trail where seq = (select min(seq) from drover_trail)), 9007199254740991)
  limit ?
)`,
  silent_queues: `select name from drover_queue
where paused_at is null and slots is null and aging_ms is null and updated_at < ?
limit ?`,
  delete_queue: `delete from drover_queue where name = ?`,
  add_sample: `insert into drover_sample (at, queue, counts, oldest_wait_ms)
values (?, ?, ?, ?)
on conflict (at, queue) do nothing`,
  forget_samples: `delete from drover_sample
where (at, queue) in (select at, queue from drover_sample where at < ? order by at, queue limit ?)`,
  samples_of_all: `select at, queue, counts, oldest_wait_ms from drover_sample where at >= ? order by at desc, queue desc limit ?`,
  samples_of_queue: `select at, queue, counts, oldest_wait_ms
from drover_sample
where queue = ? and at >= ?
order by at desc
limit ?`,
  add_trail: `insert into drover_trail (seq, prev, job, at, from_state, to_state, attempt, worker, actor, reason, error)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  trail_step: `select prev, from_state, attempt, worker, actor from drover_trail where seq = ?`,
  add_worker: `insert into drover_worker (id, token, host, pid, proof, started_at, beat_at, lease_until, info)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)
returning ref`,
  worker_by_id: `select ref, token, ended_at from drover_worker where id = ?`,
  renew_worker: `update drover_worker
set
  token = ?,
  host = ?,
  pid = ?,
  proof = ?,
  started_at = ?,
  beat_at = ?,
  lease_until = ?,
  info = ?,
  ended_at = null,
  end_reason = null
where ref = ?`,
  beat_worker: `update drover_worker
set beat_at = ?, lease_until = ?
where ref = ? and token = ? and ended_at is null`,
  end_worker: `update drover_worker
set ended_at = ?, end_reason = ?
where ref = ? and ended_at is null`,
  held_worker: `select ref, id from drover_worker where ref = ? and token = ? and ended_at is null`,
  silent_workers: `select ref, id, beat_at, lease_until
from drover_worker
where ended_at is null and lease_until < ?
order by lease_until
limit ?`,
  next_lease_end: `select beat_at, lease_until from drover_worker
where ended_at is null
order by lease_until
limit 1000`,
  live_worker_named: `select ref, id from drover_worker where id = ? and ended_at is null`,
  live_processes: `select id, pid, proof from drover_worker where ended_at is null and proof is not null order by lease_until limit 1000`,
  live_workers: `select
  w.id,
  w.host,
  w.pid,
  w.started_at,
  w.beat_at,
  w.lease_until,
  (select count(*) from drover_job j where j.worker = w.ref and j.state = 2) as running,
  w.info
from drover_worker w
where w.ended_at is null
order by w.ref
limit 1000`,
} as const
