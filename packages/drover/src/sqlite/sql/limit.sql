-- name: read_limits
-- Called when the generation changed, and by limits. As many rows as limits were ever declared or set.
select id, scope, target, type, by, declared, generation, setting, set_at, set_by, turn from drover_limit order by id;

-- name: read_keyed_lanes
-- Called when the generation changed. As many rows as lanes with keys, at most all lanes.
select lane from drover_keyed_lane;

-- name: put_declared
-- Called by declareLimits for a limit that is new or changed.
insert into drover_limit (scope, target, type, by, declared, generation)
values (?, ?, ?, ?, ?, ?)
on conflict (scope, target, type, by) do update
set declared = excluded.declared, generation = excluded.generation
where excluded.generation >= drover_limit.generation;

-- name: put_setting
-- Called by setLimit. The generation of a limit that no code declared is below that of any code.
insert into drover_limit (scope, target, type, by, declared, generation, setting, set_at, set_by)
values (?, ?, ?, ?, null, -1, ?, ?, ?)
on conflict (scope, target, type, by) do update
set setting = excluded.setting, set_at = excluded.set_at, set_by = excluded.set_by;

-- name: forget_limit
-- Called by setLimit and declareLimits: a limit that nobody declares or sets any more is gone.
delete from drover_limit where id = ? and declared is null and setting is null;

-- name: add_keyed_lane
-- Called by the first job with keys in a lane.
insert into drover_keyed_lane (lane) values (?) on conflict do nothing;

-- name: set_keys
-- Called right after a job with keys was added or took over another input. By primary key.
update drover_job set keys = ?, solo = ? where seq = ?;

-- name: leave_track
-- Called for each job with keys that starts: only available jobs stand in a track. By primary key.
update drover_job set solo = ? where seq = ?;

-- name: keys_of_job
-- Called for the end of an attempt whose mark says that it has keys. By primary key.
select keys from drover_job where seq = ?;

-- name: find_track
-- Called for each job with keys that becomes available. By the unique index.
select id, rank, first from drover_track where lane = ? and alone = ? and keys = ?;

-- name: add_track
-- Called for a job with keys that becomes available when no other with the same keys waits.
insert into drover_track (lane, alone, keys, rank, first, share_limit, share_key, turn)
values (?, ?, ?, ?, ?, ?, ?, ?)
returning id;

-- name: rank_track
-- Called when the first job of a track is another one. By primary key.
update drover_track set rank = ?, first = ? where id = ?;

-- name: drop_track
-- Called by a claim that found nothing in a track or took the last. By primary key.
delete from drover_track where id = ?;

-- name: open_tracks
-- Called by claims for each lane with keys. The first ones in drover_track_open; blocked ones are not in it.
select id, keys, rank, first, turn
from drover_track
where lane = ? and alone = ? and blocked_limit is null
order by turn, rank, first
limit ?;

-- name: any_track
-- Called by claims that came back short: what is left of a lane's tracks is blocked. By the unique index.
select 1 from drover_track where lane = ? and alone = ? limit 1;

-- name: first_of_track
-- Called when a claim took jobs from a track. The first row of drover_job_ready in this lane and track.
select rank, seq from drover_job where lane = ? and state = 1 and solo = ? order by rank, seq limit 1;

-- name: block_track
-- Called by a claim for a track whose next job may not start. By primary key.
update drover_track set blocked_limit = ?, blocked_key = ?, blocked_until = ? where id = ?;

-- name: unblock_key
-- Called when a job under a keyed limit of concurrency ends its attempt. By drover_track_blocked. A track gets no turns
-- for the time in which it was blocked.
update drover_track
set
  blocked_limit = null,
  blocked_key = null,
  blocked_until = null,
  turn = max(turn, coalesce((select l.turn from drover_limit l where l.id = share_limit), 0))
where blocked_limit = ? and blocked_key = ?;

-- name: unblock_limit
-- Called when the setting of a limit changed. By drover_track_blocked.
update drover_track
set
  blocked_limit = null,
  blocked_key = null,
  blocked_until = null,
  turn = max(turn, coalesce((select l.turn from drover_limit l where l.id = share_limit), 0))
where blocked_limit = ?;

-- name: unblock_windows
-- Called by claims for each lane with keys: the windows that have room now. By drover_track_window.
update drover_track
set
  blocked_limit = null,
  blocked_key = null,
  blocked_until = null,
  turn = max(turn, coalesce((select l.turn from drover_limit l where l.id = share_limit), 0))
where lane = ? and blocked_until is not null and blocked_until <= ?;

-- name: track_outlook
-- Called by peek for each lane with keys: whether a job of an open track waits, whether one that runs alone does, and
-- when the first window has room. Three look-ups; a row of a track may outlive its last job until the next claim.
select
  exists (select 1 from drover_track where lane = ?1 and alone = 0 and blocked_limit is null),
  exists (select 1 from drover_track where lane = ?1 and alone = 1 and blocked_limit is null),
  (
    select blocked_until
    from drover_track
    where lane = ?1 and blocked_until is not null
    order by blocked_until
    limit 1
  );

-- name: lane_waits
-- Called by peek for a lane whose rate has no room: whether a job waits that is due. Two look-ups in drover_job_ready
-- and drover_job_due.
select 1
where exists (select 1 from drover_job where lane = ? and state = 1)
  or exists (select 1 from drover_job where lane = ? and state in (0, 3) and run_at <= ?);

-- name: share_track
-- Called when fair sharing begins, changes or ends in a lane. By primary key.
update drover_track set share_limit = ?, share_key = ?, turn = ? where id = ?;

-- name: tracks_of_lane
-- Called by changes of a limit or of a queue's aging. By the unique index.
select id, alone, keys, blocked_limit from drover_track where lane = ?;

-- name: stale_uses
-- Called by claims before they count, and by reconcileLimits. As many rows as run under this key, each with its job
-- by primary key.
delete from drover_limit_use
where limit_id = ?
  and key = ?
  and not exists (
    select 1 from drover_job j where j.seq = drover_limit_use.job and j.state = 2 and j.attempt = drover_limit_use.attempt
  );

-- name: count_uses
-- Called by claims after stale_uses. A range of the primary key.
select count(*) from drover_limit_use where limit_id = ? and key = ?;

-- name: live_uses
-- Called by peek, which writes nothing: the rows of a range of the primary key that still count, each with its job.
select count(*)
from drover_limit_use u
where u.limit_id = ?
  and u.key = ?
  and exists (select 1 from drover_job j where j.seq = u.job and j.state = 2 and j.attempt = u.attempt);

-- name: busiest_uses
-- Called by limits for each limit of concurrency. Its range of the primary key, which is as long as what runs.
select u.key, count(*)
from drover_limit_use u
where u.limit_id = ?
  and exists (select 1 from drover_job j where j.seq = u.job and j.state = 2 and j.attempt = u.attempt)
group by u.key;

-- name: add_use
-- Called by claims for each start under a limit of concurrency.
insert into drover_limit_use (limit_id, key, job, attempt)
values (?, ?, ?, ?)
on conflict (limit_id, key, job) do update
set attempt = excluded.attempt;

-- name: forget_uses
-- Called when a limit goes.
delete from drover_limit_use where limit_id = ?;

-- name: running_jobs
-- Called when a limit of concurrency begins: what counts under it already. As many rows as run, by drover_job_running.
select seq, lane, attempt, keys from drover_job where state = 2;

-- name: window_start
-- Called by claims and peek for each rate: the first row of the window. A range of the primary key.
select at, starts, total from drover_limit_start where limit_id = ? and key = ? and at > ? order by at limit 1;

-- name: last_start
-- Called by claims and peek for each rate. The last row of a range of the primary key.
select at, total from drover_limit_start where limit_id = ? and key = ? order by at desc limit 1;

-- name: start_reaching
-- Called for a rate that has no room: the row that must leave the window first. From the first row of the window on;
-- it is that very one, unless the limit was lowered.
select at from drover_limit_start where limit_id = ? and key = ? and at > ? and total >= ? order by at limit 1;

-- name: add_start
-- Called by claims once for each rate and key. Several claims of one instant share a row.
insert into drover_limit_start (limit_id, key, at, starts, total)
values (?, ?, ?, ?, ?)
on conflict (limit_id, key, at) do update
set starts = drover_limit_start.starts + excluded.starts, total = excluded.total;

-- name: past_starts
-- Called by claims after add_start. A range of the primary key, nearly always of few rows.
delete from drover_limit_start where limit_id = ? and key = ? and at <= ?;

-- name: forget_starts
-- Called when a limit goes.
delete from drover_limit_start where limit_id = ?;

-- name: busiest_starts
-- Called by limits for each rate. Its rows in the window.
select key, sum(starts) from drover_limit_start where limit_id = ? and at > ? group by key;

-- name: turn_of_key
-- Called for fair sharing. By primary key.
select turn from drover_limit_turn where limit_id = ? and key = ?;

-- name: put_turn
-- Called by claims for each key of a fair limit that had a turn.
insert into drover_limit_turn (limit_id, key, turn)
values (?, ?, ?)
on conflict (limit_id, key) do update
set turn = excluded.turn;

-- name: turn_tracks
-- Called by claims after put_turn. By drover_track_share.
update drover_track set turn = ? where share_limit = ? and share_limit > 0 and share_key = ?;

-- name: turn_limit
-- Called by claims that took jobs by turns. By primary key.
update drover_limit set turn = max(turn, ?) where id = ?;

-- name: limit_turn
-- Called when a key of a fair limit comes. By primary key.
select turn from drover_limit where id = ?;

-- name: forget_turns
-- Called when a limit goes.
delete from drover_limit_turn where limit_id = ?;

-- name: count_blocked
-- Called by limits: the tracks that wait for a limit. By drover_track_blocked.
select id, lane from drover_track where blocked_limit = ? limit ?;

-- name: count_track
-- Called by limits. A bounded walk of one track in drover_job_ready.
select count(*) from (select 1 from drover_job where lane = ? and state = 1 and solo = ? limit ?);

-- name: garbage_uses
-- Called by reconcileLimits. A bounded walk of uses, each with its job by primary key.
select limit_id, key, job
from drover_limit_use u
where not exists (select 1 from drover_job j where j.seq = u.job and j.state = 2 and j.attempt = u.attempt)
limit ?;

-- name: drop_use
-- Called by reconcileLimits. By primary key.
delete from drover_limit_use where limit_id = ? and key = ? and job = ?;

-- name: garbage_starts
-- Called by reconcileLimits for each rate: rows that left the window. A walk of the limit's rows.
delete from drover_limit_start
where (limit_id, key, at) in (
  select s.limit_id, s.key, s.at from drover_limit_start s where s.limit_id = ? and s.at <= ? limit ?
);

-- name: garbage_turns
-- Called by reconcileLimits for each fair limit: turns that say no more than the limit's own, of keys that do not wait.
delete from drover_limit_turn
where (limit_id, key) in (
  select t.limit_id, t.key
  from drover_limit_turn t
  where t.limit_id = ? and t.turn <= (select l.turn from drover_limit l where l.id = ?)
  limit ?
);

-- name: has_past_starts
-- Called by reconcileLimits for each rate, to see whether there is anything to clear.
select 1 from drover_limit_start where limit_id = ? and at <= ? limit 1;

-- name: has_past_turns
-- Called by reconcileLimits for each fair limit, to see whether there is anything to clear.
select 1 from drover_limit_turn where limit_id = ? and turn <= (select turn from drover_limit where id = ?) limit 1;

-- name: blocked_keys
-- Called by reconcileLimits: what tracks wait for that no instant opens. By drover_track_blocked.
select distinct blocked_limit, blocked_key
from drover_track
where blocked_limit is not null and blocked_until is null
limit 1000;

-- name: use_of_job
-- Called by reconcileLimits and when a limit begins. By primary key.
select attempt from drover_limit_use where limit_id = ? and key = ? and job = ?;

-- name: rerank_tracks
-- Like rerank_ready, for the jobs of all tracks of a lane. By drover_job_ready.
update drover_job
set rank = priority * ? + max(run_at, enqueued_at)
where lane = ? and state = 1 and solo > 1;
