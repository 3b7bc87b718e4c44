-- Limits of queues and kinds, and the tracks in which jobs with keys wait; see docs/decisions/0013-limits.md.

-- One row for each limit that code ever declared or an operator set. Whoever claims under a limit, or ends a job with a
-- key of it, locks its row first; see claim_limited_1.
create table {schema}.limits (
  id integer generated always as identity primary key,
  name text not null unique,
  scope text not null check (scope in ('queue', 'kind')),
  target text not null,
  type text not null check (type in ('concurrency', 'rate', 'fair')),
  -- Name of its key; empty when it holds over all keys.
  by_key text not null,
  -- A LimitSetting, as the code of this generation declares it; null when it does not, or not any more.
  declared jsonb,
  generation bigint not null,
  -- A LimitSetting, as an operator set it; goes first.
  setting jsonb,
  set_at bigint,
  set_by text,
  -- The instant of the last start, which the next one is never before.
  last_at bigint not null default 0,
  -- Fair: the turn of the last start.
  turn bigint not null default 0
) with (fillfactor = 50);

create index limits_target on {schema}.limits (target);

-- Lanes in which not rank alone decides what may start, so that the usual claim leaves them alone.
create table {schema}.limited_lane (
  lane integer primary key
);

-- JSON of the keys of a job: pairs of limit name and key, in order. For life. A job with keys that waits has waits
-- 3 (in a track), 4 (in a track of jobs that run alone) or 5 (for its due time) instead of 1, 2 and 0.
alter table {schema}.job add column keys text, add column track bigint;

create index job_track on {schema}.job (track, rank, id) where waits = 3 or waits = 4;
create index job_keyed_due on {schema}.job (lane, run_at, id) where waits = 5;

-- The available jobs of one lane with the same keys. A row goes when nothing waits in it any more.
create table {schema}.track (
  id bigint generated always as identity primary key,
  lane integer not null,
  alone boolean not null,
  keys text not null,
  -- Rank and id of its first job. May be those of one that left by another way than a claim, but never later ones.
  rank bigint not null,
  first uuid not null,
  -- Fair: limit and key whose turn it shares, and that turn.
  share_limit integer,
  share_key text not null default '',
  turn bigint not null default 0,
  -- The limit and key that it waits for, and for a rate the instant at which the window has room.
  blocked_limit integer,
  blocked_key text,
  blocked_until bigint,
  unique (lane, alone, keys)
);

create index track_open on {schema}.track (lane, alone, turn, rank, first) where blocked_limit is null;
create index track_blocked on {schema}.track (blocked_limit, blocked_key) where blocked_limit is not null;
create index track_window on {schema}.track (lane, blocked_until) where blocked_until is not null;
create index track_share on {schema}.track (share_limit, share_key) where share_limit is not null;

-- A start under a limit of concurrency. It counts while its job is running in this attempt; else it is garbage.
create table {schema}.limit_use (
  limit_id integer not null,
  key text not null,
  job uuid not null,
  attempt integer not null,
  primary key (limit_id, key, job)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Starts under a limit of rate, one row for each instant; rows that left the window are deleted.
create table {schema}.limit_start (
  limit_id integer not null,
  key text not null,
  at bigint not null,
  starts integer not null,
  primary key (limit_id, key, at)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Fair: at which turn each key goes next.
create table {schema}.limit_turn (
  limit_id integer not null,
  key text not null,
  turn bigint not null,
  primary key (limit_id, key)
);

-- The limit that a lane's jobs take turns by: its queue's, or else its kind's.
create function {schema}.fair_of_1(p_lane integer) returns {schema}.limits
language plpgsql volatile as $$
declare
  v_limit {schema}.limits;
begin
  select m.* into v_limit from {schema}.lane l
  join {schema}.limits m on m.type = 'fair' and coalesce(m.setting, m.declared) is not null
    and ((m.scope = 'queue' and m.target = l.queue) or (m.scope = 'kind' and m.target = l.kind))
  where l.id = p_lane
  order by m.scope = 'queue' desc
  limit 1;
  return v_limit;
end
$$;

-- The key of a job under a limit; null for none.
create function {schema}.key_of_1(p_keys text, p_name text) returns text
language sql immutable as $$
  select e ->> 1 from jsonb_array_elements(p_keys::jsonb) e where e ->> 0 = p_name
$$;

-- The turn of a key that comes, or came back from being blocked: nobody saves turns up.
create function {schema}.turn_of_1(p_limit integer, p_key text) returns bigint
language plpgsql volatile as $$
begin
  if p_limit is null then return null; end if;
  return greatest(
    (select m.turn from {schema}.limits m where m.id = p_limit),
    coalesce((select t.turn from {schema}.limit_turn t where t.limit_id = p_limit and t.key = p_key), 0)
  );
end
$$;

-- The track of a job that becomes available, which knows of it. It stays locked against being dropped until the job is
-- in it for all to see.
create function {schema}.enter_track_1(
  p_lane integer, p_alone boolean, p_keys text, p_rank bigint, p_job uuid
) returns bigint
language plpgsql volatile as $$
declare
  v_track {schema}.track;
  v_fair {schema}.limits;
  v_share text := '';
begin
  loop
    select * into v_track from {schema}.track t
    where t.lane = p_lane and t.alone = p_alone and t.keys = p_keys for key share;
    if found then
      if (p_rank, p_job) < (v_track.rank, v_track.first) then
        update {schema}.track t set rank = p_rank, first = p_job
        where t.id = v_track.id and (p_rank, p_job) < (t.rank, t.first);
      end if;
      return v_track.id;
    end if;
    select * into v_fair from {schema}.fair_of_1(p_lane);
    if v_fair.id is not null then v_share := coalesce({schema}.key_of_1(p_keys, v_fair.name), ''); end if;
    insert into {schema}.track (lane, alone, keys, rank, first, share_limit, share_key, turn)
    values (
      p_lane, p_alone, p_keys, p_rank, p_job, v_fair.id, v_share,
      coalesce({schema}.turn_of_1(v_fair.id, v_share), 0))
    on conflict do nothing
    returning * into v_track;
    if found then return v_track.id; end if;
  end loop;
end
$$;

-- Jobs with keys wait apart, whichever statement lets them wait: each of those sets rank or solo.
create function {schema}.stand_1() returns trigger
language plpgsql as $$
begin
  if new.keys is null then
    new.waits := case new.waits when 3 then 1 when 4 then 2 when 5 then 0 else new.waits end;
    new.track := null;
    return new;
  end if;
  new.waits := case new.waits when 0 then 5 when 1 then 3 when 2 then 4 else new.waits end;
  new.track := case when new.waits in (3, 4) then
    {schema}.enter_track_1(new.lane, new.waits = 4, new.keys, new.rank, new.id) end;
  return new;
end
$$;

create trigger job_stands
before update of keys, rank, solo, lane on {schema}.job
for each row when (new.keys is not null or old.keys is not null)
execute function {schema}.stand_1();

-- Opens what waits for a key. A track gets no turns for the time in which it was blocked.
create function {schema}.unblock_1(p_limit integer, p_key text) returns bigint
language plpgsql volatile as $$
declare
  v_opened bigint;
begin
  update {schema}.track t set
    blocked_limit = null, blocked_key = null, blocked_until = null,
    turn = greatest(t.turn, coalesce((select m.turn from {schema}.limits m where m.id = t.share_limit), 0))
  where t.blocked_limit = p_limit and (p_key is null or t.blocked_key = p_key);
  get diagnostics v_opened = row_count;
  return v_opened;
end
$$;

-- An attempt of a job with keys ended otherwise than by the usual completion, which such jobs never take: both counters
-- are written by every way out. The rows of its limits are locked, so no claim is just now finding the key full.
create function {schema}.free_keys_1() returns trigger
language plpgsql as $$
begin
  perform {schema}.unblock_1(m.id, e.value ->> 1)
  from jsonb_array_elements(old.keys::jsonb) e
  join {schema}.limits m on m.name = e.value ->> 0 and m.type = 'concurrency';
  return null;
end
$$;

create trigger job_frees_keys
after update of crashes, interruptions on {schema}.job
for each row when (old.keys is not null and old.state = 2 and new.state <> 2)
execute function {schema}.free_keys_1();

-- Locks the limits that attempts of these jobs hold back others by, against claims and not against each other.
create function {schema}.lock_limits_of_1(p_ids uuid[]) returns void
language plpgsql volatile as $$
begin
  perform 1 from {schema}.limits m
  where m.type = 'concurrency' and m.name in (
    select e.value ->> 0
    from {schema}.job j
    cross join lateral jsonb_array_elements(j.keys::jsonb) e
    where j.id = any (p_ids) and j.keys is not null
  )
  order by m.id for share;
end
$$;

create function {schema}.settle_2(p_worker integer, p_requests jsonb) returns text[]
language plpgsql volatile
-- A plan that was made while there were few jobs would read all of them later.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
begin
  perform {schema}.lock_limits_of_1(array(select (r ->> 'id')::uuid from jsonb_array_elements(p_requests) r));
  return {schema}.settle_1(p_worker, p_requests);
end
$$;

create function {schema}.hand_back_2(p_worker integer, p_crash boolean, p_actor text, p_reason text, p_most integer)
returns table (job_id uuid, lane integer, attempt integer, crashes integer, state smallint)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
begin
  perform 1 from {schema}.limits m where m.type = 'concurrency' and m.by_key <> '' order by m.id for share;
  return query select * from {schema}.hand_back_1(p_worker, p_crash, p_actor, p_reason, p_most);
end
$$;

-- Like enqueue_1, for jobs with keys and those that may replace one with keys.
create function {schema}.enqueue_2(p_jobs jsonb) returns table (id uuid, status text, state smallint)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  v_replies jsonb := '[]';
  v_new record;
begin
  select coalesce(jsonb_agg(jsonb_build_array(e.id, e.status, e.state) order by e.n), '[]') into v_replies
  from {schema}.enqueue_1(p_jobs) with ordinality e (id, status, state, n);
  -- In one order, because each becomes part of its track.
  for v_new in
    select distinct on (r.value ->> 0) (r.value ->> 0)::uuid as id, p_jobs -> (r.n::integer - 1) ->> 'keys' as keys, r.n
    from jsonb_array_elements(v_replies) with ordinality r (value, n)
    where r.value ->> 1 in ('enqueued', 'replaced')
    order by r.value ->> 0, r.n desc
  loop
    continue when v_new.keys is null and not exists (
      select from {schema}.job j where j.id = v_new.id and j.keys is not null);
    update {schema}.job j set keys = v_new.keys where j.id = v_new.id and j.keys is distinct from v_new.keys;
  end loop;
  return query
  select (r.value ->> 0)::uuid, r.value ->> 1, (r.value ->> 2)::smallint
  from jsonb_array_elements(v_replies) with ordinality r (value, n) order by r.n;
end
$$;

-- Like enter_track_1 for many new jobs of a lane that share a rank: p_keys are theirs, in order and each once, and p_firsts
-- the first job of each. Returns their tracks.
create function {schema}.enter_tracks_1(p_lane integer, p_keys text[], p_rank bigint, p_firsts uuid[]) returns bigint[]
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  v_fair {schema}.limits;
  v_tracks bigint[];
begin
  select * into v_fair from {schema}.fair_of_1(p_lane);
  loop
    insert into {schema}.track (lane, alone, keys, rank, first, share_limit, share_key, turn)
    select
      p_lane, false, k.keys, p_rank, k.first, v_fair.id, s.share, coalesce({schema}.turn_of_1(v_fair.id, s.share), 0)
    from unnest(p_keys, p_firsts) with ordinality k (keys, first, n)
    cross join lateral (select coalesce({schema}.key_of_1(k.keys, v_fair.name), '') as share) s
    -- Scalar, like the lateral below, so that each is looked up by its key and not found among all tracks of the lane.
    where (
      select t.id from {schema}.track t where t.lane = p_lane and t.alone = false and t.keys = k.keys limit 1
    ) is null
    order by k.n
    on conflict do nothing;
    -- One that was dropped in between is made again.
    v_tracks := array(
      select t.id
      from unnest(p_keys) with ordinality k (keys, n)
      cross join lateral (
        select t.id from {schema}.track t where t.lane = p_lane and t.alone = false and t.keys = k.keys for key share
      ) t
      order by k.n);
    exit when cardinality(v_tracks) = cardinality(p_keys);
  end loop;
  if exists (
    select from unnest(v_tracks, p_firsts) k (id, first)
    join {schema}.track t on t.id = k.id and (p_rank, k.first) < (t.rank, t.first)
  ) then
    perform 1 from {schema}.track t where t.id = any (v_tracks) order by t.keys for no key update;
    update {schema}.track t set rank = p_rank, first = k.first
    from unnest(v_tracks, p_firsts) k (id, first)
    where t.id = k.id and (p_rank, k.first) < (t.rank, t.first);
  end if;
  return v_tracks;
end
$$;

-- Like the query add_jobs, for jobs with keys, null for those that have none: their tracks first, then all jobs at once.
-- Fails as a whole when an id is there already. Returns their state.
create function {schema}.add_keyed_jobs_1(
  p_ids uuid[], p_inputs json, p_keys text[], p_lane integer, p_delay bigint, p_run_at bigint, p_priority integer,
  p_queue text, p_expire bigint, p_timeout bigint, p_max_attempts integer, p_max_crashes integer, p_tags text,
  p_metadata text, p_retry text
) returns smallint
language plpgsql volatile as $$
declare
  v_now bigint := {schema}.clock_ms();
  v_run_at bigint := coalesce(p_run_at, v_now + p_delay);
  v_order_at bigint := greatest(v_run_at, v_now);
  v_state smallint := case when v_run_at <= v_now then 1 else 0 end;
  v_rank bigint := p_priority
    * coalesce((select q.aging_ms from {schema}.queue q where q.name = p_queue), 8796093022208) + v_order_at;
  v_keys text[];
  v_firsts uuid[];
  v_tracks bigint[] := '{}';
  v_seqs bigint[] := '{}';
begin
  select array_agg(k.keys order by k.keys), array_agg(k.first order by k.keys) into v_keys, v_firsts
  from (
    select e.keys, (array_agg(e.id order by e.id))[1] as first from unnest(p_ids, p_keys) e (id, keys)
    where e.keys is not null group by e.keys
  ) k;
  if v_state = 1 and v_keys is not null then
    v_tracks := {schema}.enter_tracks_1(p_lane, v_keys, v_rank, v_firsts);
  end if;
  for c in 0..(cardinality(p_ids) - 1) / 1024 loop v_seqs := v_seqs || {schema}.draw_1(); end loop;
  insert into {schema}.job (
    id, rank, run_at, enqueued_at, trail, expires_at, timeout_ms, lane, max_attempts, max_crashes, state, waits, priority,
    input, tags, metadata, retry, keys, track)
  select
    e.id, v_rank, v_run_at, v_now, v_seqs[(e.n - 1) / 1024 + 1] * 1024 + (e.n - 1) % 1024, v_order_at + p_expire, p_timeout,
    p_lane, p_max_attempts, p_max_crashes, v_state,
    case when e.keys is null then v_state when v_state = 1 then 3 else 5 end, p_priority, e.input::text, p_tags, p_metadata,
    p_retry, e.keys, t.id
  from rows from (unnest(p_ids, p_keys), json_array_elements(p_inputs)) with ordinality as e (id, keys, input, n)
  left join unnest(v_keys, v_tracks) t (keys, id) on t.keys = e.keys;
  insert into {schema}.trail (seq, at, to_state, jobs)
  select s.seq, v_now, v_state, p_ids[(s.c - 1) * 1024 + 1:s.c * 1024]
  from unnest(v_seqs) with ordinality s (seq, c);
  return v_state;
end
$$;

-- What a limit still allows under a key. One that is not in force allows everything.
create function {schema}.room_1(p_limit integer, p_key text, p_now bigint) returns integer
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  v_limit {schema}.limits;
  v_setting jsonb;
  v_used bigint;
begin
  select * into v_limit from {schema}.limits m where m.id = p_limit;
  v_setting := coalesce(v_limit.setting, v_limit.declared);
  if v_setting is null then return null; end if;
  if v_limit.type = 'concurrency' then
    select count(*) into v_used
    from {schema}.limit_use u
    join {schema}.job j on j.id = u.job and j.state = 2 and j.attempt = u.attempt
    where u.limit_id = p_limit and u.key = p_key;
  else
    select coalesce(sum(s.starts), 0) into v_used
    from {schema}.limit_start s
    where s.limit_id = p_limit and s.key = p_key and s.at > p_now - (v_setting ->> 'perMs')::bigint;
  end if;
  return greatest(0, (v_setting ->> 'max')::bigint - v_used)::integer;
end
$$;

-- Like room_1, for claims, which have locked the limit: clears away before what does not count any more, so that counting
-- stays short. What is left of a limit of concurrency then counts, or ended only just now.
create function {schema}.cleared_room_1(p_limit integer, p_key text, p_now bigint) returns integer
language plpgsql volatile as $$
declare
  v_limit {schema}.limits;
  v_setting jsonb;
  v_used bigint;
begin
  select * into v_limit from {schema}.limits m where m.id = p_limit;
  v_setting := coalesce(v_limit.setting, v_limit.declared);
  if v_setting is null then return null; end if;
  if v_limit.type = 'concurrency' then
    delete from {schema}.limit_use u
    where u.limit_id = p_limit and u.key = p_key and not exists (
      select from {schema}.job j where j.id = u.job and j.state = 2 and j.attempt = u.attempt);
    select count(*) into v_used from {schema}.limit_use u where u.limit_id = p_limit and u.key = p_key;
  else
    delete from {schema}.limit_start s
    where s.limit_id = p_limit and s.key = p_key and s.at <= p_now - (v_setting ->> 'perMs')::bigint;
    select coalesce(sum(s.starts), 0) into v_used
    from {schema}.limit_start s where s.limit_id = p_limit and s.key = p_key;
  end if;
  return greatest(0, (v_setting ->> 'max')::bigint - v_used)::integer;
end
$$;

-- The limits over all keys that jobs of these lanes meet.
create function {schema}.wide_limits_1(p_lanes integer[]) returns table (lane integer, limit_id integer, type text)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
begin
  return query
  select l.id, m.id, m.type
  from {schema}.lane l
  join {schema}.limits m on m.target in (l.queue, l.kind)
    and m.target = case m.scope when 'queue' then l.queue else l.kind end
    and m.by_key = '' and m.type <> 'fair' and coalesce(m.setting, m.declared) is not null
  where l.id = any (p_lanes);
end
$$;

-- When a rate that has no room has some: when so many starts have left the window that one more fits. null for a limit
-- of which time alone makes no room.
create function {schema}.free_at_1(p_limit integer, p_key text, p_now bigint) returns bigint
language plpgsql volatile as $$
declare
  v_limit {schema}.limits;
  v_max bigint;
  v_per bigint;
begin
  select * into v_limit from {schema}.limits m where m.id = p_limit;
  v_max := (coalesce(v_limit.setting, v_limit.declared) ->> 'max')::bigint;
  v_per := (coalesce(v_limit.setting, v_limit.declared) ->> 'perMs')::bigint;
  if v_limit.type is distinct from 'rate' or v_max = 0 then return null; end if;
  -- Without locks, room may have come since it was looked for.
  return coalesce((
    select w.at + v_per
    from (
      select s.at, sum(s.starts) over (order by s.at desc) as starts
      from {schema}.limit_start s
      where s.limit_id = p_limit and s.key = p_key and s.at > p_now - v_per
    ) w
    where w.starts >= v_max
    order by w.at desc
    limit 1
  ), p_now);
end
$$;

-- What limits say of lanes to somebody who only looks. Times that only a window makes come with a spread, over which those
-- who wait for the same window had better come.
create function {schema}.look_1(p_lanes integer[])
returns table (
  lane integer, is_open boolean, free_at bigint, ordinary boolean, alone boolean, window_at bigint, spread bigint,
  due boolean, due_at bigint, now_at bigint
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  v_now bigint := floor(extract(epoch from now()) * 1000)::bigint;
  v_wide record;
  v_full integer[];
  v_free bigint;
  v_spread bigint;
begin
  v_full := array(
    select w.limit_id from (select distinct x.limit_id from {schema}.wide_limits_1(p_lanes) x) w
    where {schema}.room_1(w.limit_id, '', v_now) = 0);
  foreach lane in array p_lanes loop
    is_open := true;
    v_free := null;
    spread := null;
    now_at := v_now;
    if v_full <> '{}' then
      for v_wide in
        select {schema}.free_at_1(w.limit_id, '', v_now) as at, {schema}.spread_1(w.limit_id) as spread
        from {schema}.wide_limits_1(array[lane]) w where w.limit_id = any (v_full)
      loop
        v_free := greatest(case when is_open then 0 else v_free end, v_wide.at);
        -- A job must end first.
        if v_wide.at is null then v_free := 9e18::bigint; end if;
        spread := greatest(spread, v_wide.spread);
        is_open := false;
      end loop;
    end if;
    free_at := case when not is_open and v_free < 9e18::bigint and (
      exists (select from {schema}.job j where j.lane = look_1.lane and j.waits = 1)
      or exists (select from {schema}.job j where j.lane = look_1.lane and j.waits = 2)
      or exists (select from {schema}.job j where j.lane = look_1.lane and j.waits = 0 and j.run_at <= v_now)
      or exists (select from {schema}.job j where j.lane = look_1.lane and j.waits = 5 and j.run_at <= v_now)
      or exists (select from {schema}.track t where t.lane = look_1.lane)
    ) then v_free end;
    ordinary := exists (
      select from {schema}.track t where t.lane = look_1.lane and not t.alone and t.blocked_limit is null);
    alone := exists (select from {schema}.track t where t.lane = look_1.lane and t.alone and t.blocked_limit is null);
    window_at := null;
    if is_open then
      select t.blocked_until, {schema}.spread_1(t.blocked_limit) into window_at, v_spread from {schema}.track t
      where t.lane = look_1.lane and t.blocked_until is not null order by t.blocked_until limit 1;
      spread := v_spread;
    end if;
    due := exists (select from {schema}.job j where j.lane = look_1.lane and j.waits = 5 and j.run_at <= v_now);
    due_at := (
      select j.run_at from {schema}.job j
      where j.lane = look_1.lane and j.waits = 5 and j.run_at > v_now order by j.run_at limit 1);
    return next;
  end loop;
end
$$;

-- Those who wait for the same window come within the twentieth part of its length, and of a second at most: then one takes
-- what has become free for several, and the others need not wait for it. null for what is no rate.
create function {schema}.spread_1(p_limit integer) returns bigint
language sql volatile as $$
  select least(1000, (coalesce(m.setting, m.declared) ->> 'perMs')::bigint) / 20 from {schema}.limits m where m.id = p_limit
$$;

-- The running jobs and what they count under: limits of concurrency over all, and those of their keys.
create function {schema}.running_uses_1() returns table (limit_id integer, key text, job uuid, attempt integer)
language sql volatile as $$
  with running as (
    select distinct on (j.id) j.id, j.attempt, j.keys, l.queue, l.kind
    from {schema}.claim c
    cross join lateral unnest(c.jobs) u (id)
    -- The limit keeps the planner from reading all jobs there are, to join them with the few that run.
    cross join lateral (
      select e.id, e.attempt, e.keys, e.lane from {schema}.job e where e.id = u.id and e.state = 2 limit 1
    ) j
    join {schema}.lane l on l.id = j.lane
  )
  select m.id, '', r.id, r.attempt
  from running r
  join {schema}.limits m on m.type = 'concurrency' and m.by_key = '' and coalesce(m.setting, m.declared) is not null
    and ((m.scope = 'queue' and m.target = r.queue) or (m.scope = 'kind' and m.target = r.kind))
  union all
  select m.id, e.value ->> 1, r.id, r.attempt
  from running r
  cross join lateral jsonb_array_elements(r.keys::jsonb) e
  join {schema}.limits m on m.name = e.value ->> 0 and m.type = 'concurrency'
    and coalesce(m.setting, m.declared) is not null
$$;

-- Nobody claims while limits change, so that what runs is counted and what starts knows them.
create function {schema}.stop_claims_1() returns jsonb
language plpgsql volatile as $$
begin
  lock table {schema}.claim, {schema}.lane in share row exclusive mode;
  return (
    select coalesce(jsonb_object_agg(m.name, coalesce(m.setting, m.declared)), '{}') from {schema}.limits m
    where coalesce(m.setting, m.declared) is not null);
end
$$;

-- Brings what hangs on limits in line with what holds from now on. Returns the names of those that changed.
create function {schema}.apply_limits_1(p_before jsonb) returns text[]
language plpgsql volatile as $$
declare
  v_names text[] := array(
    select m.name from {schema}.limits m
    where coalesce(m.setting, m.declared) is distinct from p_before -> m.name order by m.name);
  v_limit {schema}.limits;
  v_fair {schema}.limits;
  v_track record;
begin
  for v_limit in select * from {schema}.limits m where m.name = any (v_names) order by m.id loop
    perform {schema}.unblock_1(v_limit.id, null);
    if coalesce(v_limit.setting, v_limit.declared) is null then
      delete from {schema}.limit_use u where u.limit_id = v_limit.id;
      delete from {schema}.limit_start s where s.limit_id = v_limit.id;
      delete from {schema}.limit_turn t where t.limit_id = v_limit.id;
    end if;
    if v_limit.type = 'fair' then
      for v_track in
        select t.id, t.lane, t.keys from {schema}.track t join {schema}.lane l on l.id = t.lane
        where v_limit.target = case v_limit.scope when 'queue' then l.queue else l.kind end
        order by t.id
      loop
        select * into v_fair from {schema}.fair_of_1(v_track.lane);
        update {schema}.track t set
          share_limit = v_fair.id,
          share_key = coalesce({schema}.key_of_1(v_track.keys, v_fair.name), ''),
          turn = coalesce({schema}.turn_of_1(v_fair.id, coalesce({schema}.key_of_1(v_track.keys, v_fair.name), '')), 0)
        where t.id = v_track.id;
      end loop;
    end if;
  end loop;
  insert into {schema}.limit_use as o (limit_id, key, job, attempt)
  select * from {schema}.running_uses_1()
  on conflict (limit_id, key, job) do update set attempt = excluded.attempt where o.attempt <> excluded.attempt;
  delete from {schema}.limits m where m.declared is null and m.setting is null;
  delete from {schema}.limited_lane;
  insert into {schema}.limited_lane (lane)
  select l.id from {schema}.lane l
  where exists (
    select from {schema}.limits m
    where (m.by_key = '' or m.type = 'fair') and coalesce(m.setting, m.declared) is not null
      and m.target = case m.scope when 'queue' then l.queue else l.kind end);
  return v_names;
end
$$;

-- A new lane of a queue or a kind with limits is limited from its first job on.
create function {schema}.limit_lane_1() returns trigger
language plpgsql as $$
begin
  insert into {schema}.limited_lane (lane)
  select new.id where exists (
    select from {schema}.limits m
    where (m.by_key = '' or m.type = 'fair') and coalesce(m.setting, m.declared) is not null
      and m.target = case m.scope when 'queue' then new.queue else new.kind end);
  return null;
end
$$;

create trigger lane_is_limited after insert on {schema}.lane for each row execute function {schema}.limit_lane_1();

-- Takes over what code declares: {scope, target, type, by, name, setting}, and what it speaks for. Returns the names of
-- the limits whose setting in force changed.
create function {schema}.declare_limits_1(p_generation bigint, p_limits jsonb, p_kinds text[], p_queues text[])
returns text[]
language plpgsql volatile as $$
declare
  v_before jsonb := {schema}.stop_claims_1();
begin
  update {schema}.limits m set declared = null, generation = p_generation
  where m.declared is not null and m.generation <= p_generation
    and m.target = any (case m.scope when 'queue' then p_queues else p_kinds end)
    and not exists (select from jsonb_array_elements(p_limits) d where d ->> 'name' = m.name);
  insert into {schema}.limits as m (name, scope, target, type, by_key, declared, generation)
  select d ->> 'name', d ->> 'scope', d ->> 'target', d ->> 'type', d ->> 'by', d -> 'setting', p_generation
  from jsonb_array_elements(p_limits) d
  order by d ->> 'name'
  on conflict (name) do update set declared = excluded.declared, generation = excluded.generation
  where m.generation <= excluded.generation;
  return {schema}.apply_limits_1(v_before);
end
$$;

-- Sets a limit over what code declares, or takes that back. Returns the setting in force.
create function {schema}.set_limit_1(
  p_name text, p_scope text, p_target text, p_type text, p_by text, p_setting jsonb, p_actor text
) returns jsonb
language plpgsql volatile as $$
declare
  v_before jsonb := {schema}.stop_claims_1();
begin
  insert into {schema}.limits (name, scope, target, type, by_key, generation, setting, set_at, set_by)
  values (
    p_name, p_scope, p_target, p_type, p_by, -1, p_setting,
    case when p_setting is not null then {schema}.clock_ms() end, case when p_setting is not null then p_actor end)
  on conflict (name) do update set setting = excluded.setting, set_at = excluded.set_at, set_by = excluded.set_by;
  perform {schema}.apply_limits_1(v_before);
  return (select coalesce(m.setting, m.declared) from {schema}.limits m where m.name = p_name);
end
$$;
