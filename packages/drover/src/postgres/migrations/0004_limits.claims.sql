-- Makes jobs with keys of these lanes available whose time has come. One that lost its unique key is cancelled.
create function {schema}.promote_keyed_1(p_lanes integer[], p_now bigint, p_most integer) returns void
language plpgsql volatile as $$
declare
  v_due record;
  v_job {schema}.job;
  v_trail bigint;
begin
  for v_due in
    select d.id, d.unique_hash from {schema}.job d
    where d.waits = 5 and d.lane = any (p_lanes) and d.run_at <= p_now
    order by d.run_at, d.id limit p_most
  loop
    -- The key before the job. One that another has locked can wait for the next claim.
    if v_due.unique_hash is not null then
      perform 1 from {schema}.hold h where h.hash = v_due.unique_hash for update skip locked;
      if not found and exists (select from {schema}.hold h where h.hash = v_due.unique_hash) then continue; end if;
    end if;
    select * into v_job from {schema}.job j
    where j.id = v_due.id and j.waits = 5 and j.run_at <= p_now for no key update skip locked;
    if not found then continue; end if;
    if {schema}.reclaim_key_1(v_job.id, v_job.unique_hash, v_job.unique_states, v_job.unique_until, 1, p_now) then
      v_trail := {schema}.note_1(
        v_job.id, v_job.trail, p_now, v_job.state, 1, v_job.attempt, null, null, null, null, null);
      -- Naming solo brings it into its track.
      update {schema}.job j set state = 1, waits = case when j.solo then 2 else 1 end, solo = j.solo, trail = v_trail
      where j.id = v_job.id;
    else
      perform {schema}.end_job_1(
        v_job, 6, p_now, v_job.crashes, v_job.interruptions, null, null, 'unique key is held by another job');
    end if;
  end loop;
end
$$;

-- The jobs that may be next in these lanes, in order, each with its meters ("limit:key") and its turn: of each open
-- track as many as it has room for, and ordinary ones. Keys take turns where a fair limit says so; lanes or groups of
-- them are merged by the rank of what is first in each, which is the order of the greatest rank so far.
create function {schema}.candidates_1(p_queue text, p_lanes integer[], p_alone boolean, p_most integer, p_rooms jsonb)
returns table (id uuid, track bigint, fair integer, share text, turn bigint, meters text[])
language plpgsql volatile as $$
begin
  return query
  with lanes as materialized (
    select l.id, f.id as fair, coalesce(coalesce(f.setting, f.declared) -> 'weights', 'null') as weights,
      case when f.scope = 'kind' then l.id else 0 end as grp, coalesce(f.turn, 0) as last_turn,
      array(
        select m.id || ':' from {schema}.limits m
        where m.by_key = '' and m.type <> 'fair' and coalesce(m.setting, m.declared) is not null
          and ((m.scope = 'queue' and m.target = p_queue) or (m.scope = 'kind' and m.target = l.kind))
      ) as wide
    from {schema}.lane l
    left join lateral {schema}.fair_of_1(l.id) f on true
    where l.id = any (p_lanes)
  ),
  tracks as materialized (
    -- What waited where nobody claimed stands behind the last start in its row, and has saved nothing up.
    select t.id, t.lane, t.share_key, greatest(t.turn, lanes.last_turn) as turn, k.meters,
      least(p_most, (select min((p_rooms ->> q)::integer) from unnest(k.meters) q)) as room
    from lanes
    cross join lateral (
      select * from {schema}.track o
      where o.lane = lanes.id and o.alone = p_alone and o.blocked_limit is null
      order by o.turn, o.rank, o.first limit p_most
    ) t
    cross join lateral (
      select coalesce(array_agg(m.id || ':' || (e.value ->> 1)), '{}') as meters
      from jsonb_array_elements(t.keys::jsonb) e
      join {schema}.limits m on m.name = e.value ->> 0 and m.type <> 'fair'
        and coalesce(m.setting, m.declared) is not null
    ) k
  ),
  found as (
    select j.id, j.rank, t.id as track, l.fair, l.grp, t.share_key as share, t.turn, l.wide || t.meters as meters, l.weights
    from tracks t
    join lanes l on l.id = t.lane
    cross join lateral (
      select r.id, r.rank from {schema}.job r
      where r.track = t.id and (r.waits = 3 or r.waits = 4) order by r.rank, r.id limit t.room
    ) j
    union all
    select j.id, j.rank, null, l.fair, l.grp, '', coalesce({schema}.turn_of_1(l.fair, ''), 0), l.wide, l.weights
    from lanes l
    cross join lateral (
      (select r.id, r.rank from {schema}.job r
      where not p_alone and r.lane = l.id and r.waits = 1 order by r.rank, r.id limit p_most)
      union all
      (select r.id, r.rank from {schema}.job r
      where p_alone and r.lane = l.id and r.waits = 2 order by r.rank, r.id limit p_most)
    ) j
  ),
  turned as (
    select f.*,
      case when f.fair is null then 0
        else f.turn + (row_number() over (partition by f.grp, f.fair, f.share order by f.rank, f.id) - 1)
          * greatest(1, round(1000000 / coalesce((f.weights ->> f.share)::numeric, 1)))::bigint
      end as at_turn
    from found f
  ),
  placed as (
    select t.*, row_number() over (partition by t.grp order by t.at_turn, t.rank, t.id) as n from turned t
  ),
  merged as (
    select p.*, max(p.rank) over (partition by p.grp order by p.n) as greatest_rank from placed p
  )
  select m.id, m.track, m.fair, m.share, m.at_turn, m.meters
  from merged m
  order by m.greatest_rank, m.grp, m.n
  limit p_most * 2;
end
$$;

-- Claims from lanes with limits or tracks, in order, and never more than any limit allows: the rows of all limits that
-- these jobs can meet are locked before anything is counted, and each later statement sees what was committed until
-- then. A track that meets a full limit is blocked, and the claim goes on with the others. A claim for lanes that are all
-- full is turned away before it locks anything. shut_lanes are those in which the end of a job without keys leaves no room
-- for anybody, because no limit of concurrency over all keys has any; see open_lanes_1.
create function {schema}.claim_limited_1(
  p_worker integer, p_worker_token bigint, p_token bigint, p_queue text, p_lanes integer[], p_alone boolean, p_most integer,
  out jobs uuid[], out ended uuid[], out ended_states smallint[], out held_back boolean, out shut_lanes integer[]
)
language plpgsql volatile
-- All it reads is found by an index, whatever statistics there are of tables that come and go; planned once, not each time.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  v_now bigint := {schema}.clock_ms();
  v_left integer := p_most;
  v_want integer;
  v_asked integer;
  v_open integer[];
  v_rooms jsonb := '{}';
  v_tracked boolean;
  v_next record;
  v_job {schema}.job;
  v_seq bigint;
  v_prevs bigint[];
  v_attempts integer[];
  v_taken jsonb;
  v_touched bigint[];
  v_meter text;
  v_from integer;
  v_uses text[];
  v_use_jobs uuid[];
  v_use_attempts integer[];
  v_seen integer;
  v_moved integer;
  v_count bigint;
  v_wide_lanes integer[];
  v_wide_meters text[];
  v_wide_types text[];
begin
  jobs := '{}';
  ended := '{}';
  ended_states := '{}';
  shut_lanes := '{}';
  held_back := false;
  -- Before everything else: whoever changes limits has this lock.
  lock table {schema}.claim in row exclusive mode;
  if not {schema}.may_claim_1(p_worker, p_worker_token, p_queue, v_now) then return; end if;
  -- Each lane with each limit over all keys that its jobs meet.
  select array_agg(w.lane), array_agg(w.limit_id || ':'), array_agg(w.type) into v_wide_lanes, v_wide_meters, v_wide_types
  from {schema}.wide_limits_1(p_lanes) w;
  if v_wide_lanes is not null then
    select jsonb_object_agg(w.meter, {schema}.room_1(rtrim(w.meter, ':')::integer, '', v_now)) into v_rooms
    from (select distinct x.meter from unnest(v_wide_meters) x (meter)) w;
    select * into v_open, shut_lanes from {schema}.open_lanes_1(p_lanes, v_wide_lanes, v_wide_meters, v_wide_types, v_rooms);
    if v_open = '{}' then
      held_back := p_most > 0;
      return;
    end if;
    v_rooms := '{}';
  end if;
  perform 1 from {schema}.limits m
  where (m.scope = 'queue' and m.target = p_queue)
    or (m.scope = 'kind' and m.target in (select l.kind from {schema}.lane l where l.id = any (p_lanes)))
  order by m.id for update;
  -- Only now: who waited for the lock must not count by the time before.
  v_now := greatest({schema}.clock_ms(), (
    select max(m.last_at) from {schema}.limits m
    where (m.scope = 'queue' and m.target = p_queue)
      or (m.scope = 'kind' and m.target in (select l.kind from {schema}.lane l where l.id = any (p_lanes)))));
  if not {schema}.may_claim_1(p_worker, p_worker_token, p_queue, v_now) then return; end if;
  if exists (select from {schema}.job d where d.lane = any (p_lanes) and d.waits = 0 and d.run_at <= v_now) then
    perform {schema}.promote_1(p_lanes, 1000);
  end if;
  if exists (select from {schema}.job d where d.lane = any (p_lanes) and d.waits = 5 and d.run_at <= v_now) then
    perform {schema}.promote_keyed_1(p_lanes, v_now, 1000);
  end if;
  update {schema}.track t set
    blocked_limit = null, blocked_key = null, blocked_until = null,
    turn = greatest(t.turn, coalesce((select m.turn from {schema}.limits m where m.id = t.share_limit), 0))
  where t.lane = any (p_lanes) and t.blocked_until is not null and t.blocked_until <= v_now;
  if v_wide_lanes is not null then
    select jsonb_object_agg(w.meter, {schema}.cleared_room_1(rtrim(w.meter, ':')::integer, '', v_now)) into v_rooms
    from (select distinct x.meter from unnest(v_wide_meters) x (meter)) w;
  end if;
  for pass in 1..200 loop
    select * into v_open, shut_lanes from {schema}.open_lanes_1(p_lanes, v_wide_lanes, v_wide_meters, v_wide_types, v_rooms);
    exit when v_left = 0 or v_open = '{}';
    v_moved := 0;
    v_tracked := exists (
      select from {schema}.track t where t.lane = any (v_open) and t.alone = p_alone and t.blocked_limit is null);
    if v_tracked then
      -- What every limit and key that the next jobs may meet still allows. What was counted once needs no second count:
      -- since then nothing started but what this claim takes.
      select v_rooms || coalesce(jsonb_object_agg(w.meter, {schema}.cleared_room_1(w.id, w.key, v_now)), '{}') into v_rooms
      from (
        select distinct m.id, e.value ->> 1 as key, m.id || ':' || (e.value ->> 1) as meter
        from unnest(v_open) l (id)
        cross join lateral (
          select o.keys from {schema}.track o
          where o.lane = l.id and o.alone = p_alone and o.blocked_limit is null
          order by o.turn, o.rank, o.first limit v_left
        ) t
        cross join lateral jsonb_array_elements(t.keys::jsonb) e
        join {schema}.limits m on m.name = e.value ->> 0 and m.type <> 'fair'
          and coalesce(m.setting, m.declared) is not null
      ) w
      where not v_rooms ? w.meter;
      -- Tracks that meet a full limit stand aside.
      with full_keys as (
        select distinct on (t.id) t.id, m.id as limit_id, e.value ->> 1 as key
        from unnest(v_open) l (id)
        cross join lateral (
          select o.id, o.keys from {schema}.track o
          where o.lane = l.id and o.alone = p_alone and o.blocked_limit is null
          order by o.turn, o.rank, o.first limit v_left
        ) t
        cross join lateral jsonb_array_elements(t.keys::jsonb) e
        join {schema}.limits m on m.name = e.value ->> 0
        where (v_rooms ->> (m.id || ':' || (e.value ->> 1)))::integer = 0
        order by t.id, m.id
      ),
      blocked as (
        update {schema}.track t set
          blocked_limit = f.limit_id, blocked_key = f.key, blocked_until = {schema}.free_at_1(f.limit_id, f.key, v_now)
        from full_keys f
        where t.id = f.id
        returning 1
      )
      select count(*) into v_count from blocked;
      -- Others came into view in their place, of which nothing was counted yet.
      continue when v_count > 0;
    end if;
    v_taken := '{}';
    v_touched := '{}';
    v_uses := '{}';
    v_use_jobs := '{}';
    v_use_attempts := '{}';
    v_from := cardinality(jobs);
    v_prevs := '{}';
    v_attempts := '{}';
    v_seen := 0;
    -- No more can start than the widest of these lanes has room for: what is beyond need not be read or locked.
    select least(v_left, max(o.room)) into v_asked
    from (
      select coalesce(min((v_rooms ->> w.meter)::integer), v_left) as room
      from unnest(v_open) l (id)
      left join unnest(v_wide_lanes, v_wide_meters) w (lane, meter) on w.lane = l.id
      group by l.id
    ) o;
    v_want := v_asked;
    for v_next in
      select c.*, j as job
      from {schema}.candidates_1(p_queue, v_open, p_alone, v_asked, v_rooms) c
      cross join lateral (
        select * from {schema}.job r
        where r.id = c.id and r.waits is not null and r.track is not distinct from c.track
        for no key update skip locked
      ) j
    loop
      exit when v_want = 0;
      v_seen := v_seen + 1;
      v_job := v_next.job;
      if v_next.track is not null then v_touched := v_touched || v_next.track; end if;
      if exists (select from unnest(v_next.meters) q where coalesce((v_rooms ->> q)::integer, 0) <= 0) then continue; end if;
      if v_job.unique_hash is not null and (v_job.unique_states::integer & 6) = 4 then
        perform 1 from {schema}.hold h where h.hash = v_job.unique_hash for update skip locked;
        if not found and exists (select from {schema}.hold h where h.hash = v_job.unique_hash) then continue; end if;
      end if;
      v_moved := v_moved + 1;
      if v_job.attempt = 0 and v_job.expires_at <= v_now then
        perform {schema}.end_job_1(v_job, 5, v_now, v_job.crashes, v_job.interruptions, null, null, 'expired');
        ended := ended || v_job.id;
        ended_states := ended_states || 5::smallint;
        continue;
      end if;
      if v_job.unique_hash is not null and (v_job.unique_states::integer & 6) = 4 and not {schema}.reclaim_key_1(
        v_job.id, v_job.unique_hash, v_job.unique_states, v_job.unique_until, 2, v_now
      ) then
        perform {schema}.end_job_1(
          v_job, 6, v_now, v_job.crashes, v_job.interruptions, null, null, 'unique key is held by another job');
        ended := ended || v_job.id;
        ended_states := ended_states || 6::smallint;
        continue;
      end if;
      jobs := jobs || v_job.id;
      v_prevs := v_prevs || v_job.trail;
      v_attempts := v_attempts || (v_job.attempt + 1);
      v_left := v_left - 1;
      v_want := v_want - 1;
      foreach v_meter in array v_next.meters loop
        v_rooms := jsonb_set(v_rooms, array[v_meter], to_jsonb((v_rooms ->> v_meter)::integer - 1));
        v_uses := v_uses || v_meter;
        v_use_jobs := v_use_jobs || v_job.id;
        v_use_attempts := v_use_attempts || (v_job.attempt + 1);
      end loop;
      if v_next.fair is not null then
        v_meter := jsonb_build_array(v_next.fair, v_next.share)::text;
        v_taken := jsonb_set(v_taken, array[v_meter], to_jsonb(greatest(
          v_next.turn, coalesce((v_taken ->> v_meter)::bigint, 0))));
      end if;
    end loop;
    v_count := cardinality(jobs) - v_from;
    if v_count > 0 then
      -- Each pass sees jobs that were enqueued since the one before, so it has a later place in the trail; and none starts
      -- before it was enqueued. Room was counted for a window that ended no later than the one that ends now, and no start
      -- but ours came between, so what was allowed then is allowed now.
      v_now := greatest(v_now, {schema}.clock_ms());
      v_seq := {schema}.draw_1();
      update {schema}.job j set
        state = 2, waits = null, attempt = j.attempt + 1, worker = p_worker, token = p_token, started_at = v_now,
        trail = v_seq * 1024 + k.n - 1 - v_from
      from unnest(jobs) with ordinality k (id, n)
      where j.id = k.id and k.n > v_from;
      insert into {schema}.trail (seq, at, from_state, to_state, worker, jobs, prevs, attempts)
      values (v_seq, v_now, 1, 2, p_worker, jobs[v_from + 1:], v_prevs, v_attempts);
      insert into {schema}.claim (worker, seq, token, at, jobs)
      values (p_worker, v_seq, p_token, v_now, jobs[v_from + 1:]);
      if v_uses <> '{}' then
        insert into {schema}.limit_use (limit_id, key, job, attempt)
        select m.id, substr(u.meter, strpos(u.meter, ':') + 1), u.job, u.attempt
        from unnest(v_uses, v_use_jobs, v_use_attempts) u (meter, job, attempt)
        join {schema}.limits m on m.id = split_part(u.meter, ':', 1)::integer and m.type = 'concurrency'
        on conflict (limit_id, key, job) do update set attempt = excluded.attempt;
        insert into {schema}.limit_start as s (limit_id, key, at, starts)
        select m.id, substr(u.meter, strpos(u.meter, ':') + 1), v_now, count(*)
        from unnest(v_uses) u (meter)
        join {schema}.limits m on m.id = split_part(u.meter, ':', 1)::integer and m.type = 'rate'
        group by 1, 2
        on conflict (limit_id, key, at) do update set starts = s.starts + excluded.starts;
      end if;
    end if;
    if v_tracked then v_moved := v_moved + {schema}.tidy_tracks_1(v_open, p_alone, p_most, v_touched); end if;
    if v_taken <> '{}' then perform {schema}.move_turns_1(v_taken); end if;
    exit when v_moved = 0 or cardinality(jobs) >= 1024;
    -- All there was to see was seen, and started.
    if not v_tracked and v_want > 0 and v_seen = v_count and v_seen < v_asked then
      select * into v_open, shut_lanes from {schema}.open_lanes_1(
        p_lanes, v_wide_lanes, v_wide_meters, v_wide_types, v_rooms);
      exit;
    end if;
  end loop;
  held_back := v_left > 0 and (cardinality(v_open) < cardinality(p_lanes) or exists (
    select from {schema}.track t where t.lane = any (p_lanes) and t.alone = p_alone));
  if cardinality(jobs) = 0 then return; end if;
  update {schema}.limits m set last_at = v_now
  where m.type = 'rate' and m.last_at < v_now and (
    (m.scope = 'queue' and m.target = p_queue)
    or (m.scope = 'kind' and m.target in (select l.kind from {schema}.lane l where l.id = any (p_lanes))));
end
$$;

-- Whether a worker may claim from a queue: its lease holds, and the queue is not paused.
create function {schema}.may_claim_1(p_worker integer, p_token bigint, p_queue text, p_now bigint) returns boolean
language plpgsql volatile as $$
begin
  return exists (
    select from {schema}.worker w
    where w.ref = p_worker and w.token = p_token and w.ended_at is null and w.lease_until > p_now
  ) and not exists (select from {schema}.queue q where q.name = p_queue and q.paused_at is not null);
end
$$;

-- Of these lanes those that every limit over all keys leaves room, and those that no limit of concurrency over all keys
-- leaves any, or that none counts: if a job without keys ended there, then nobody else may start because of it.
create function {schema}.open_lanes_1(
  p_lanes integer[], p_wide_lanes integer[], p_meters text[], p_types text[], p_rooms jsonb,
  out open_lanes integer[], out shut_lanes integer[]
)
language plpgsql immutable as $$
begin
  open_lanes := p_lanes;
  shut_lanes := p_lanes;
  if p_wide_lanes is null then return; end if;
  for i in 1..cardinality(p_wide_lanes) loop
    if (p_rooms ->> p_meters[i])::integer = 0 then
      open_lanes := array_remove(open_lanes, p_wide_lanes[i]);
    elsif p_types[i] = 'concurrency' then
      shut_lanes := array_remove(shut_lanes, p_wide_lanes[i]);
    end if;
  end loop;
end
$$;

-- Gives tracks that jobs left their first one, and drops those in which nothing waits. One that an enqueue holds, whose job
-- is not there for all to see yet, is left as it is. Returns how many changed.
create function {schema}.tidy_tracks_1(p_lanes integer[], p_alone boolean, p_most integer, p_touched bigint[])
returns integer
language plpgsql volatile as $$
declare
  v_ids bigint[];
  v_count integer;
  v_changed integer;
begin
  -- Those whose first job is another one than they say, or none.
  v_ids := array(
    select t.id from {schema}.track t
    where t.id = any (
      p_touched || array(
        select o.id from unnest(p_lanes) l (id)
        cross join lateral (
          select x.id from {schema}.track x
          where x.lane = l.id and x.alone = p_alone and x.blocked_limit is null
          order by x.turn, x.rank, x.first limit p_most
        ) o
      )
    ) and not exists (
      select from (
        select j.rank, j.id from {schema}.job j
        where j.track = t.id and (j.waits = 3 or j.waits = 4) order by j.rank, j.id limit 1
      ) f
      where f.rank = t.rank and f.id = t.first
    )
    for update of t skip locked
  );
  if v_ids = '{}' then return 0; end if;
  -- Only in later statements, which see what was enqueued until the locks were had.
  delete from {schema}.track t
  where t.id = any (v_ids) and not exists (
    select from {schema}.job j where j.track = t.id and (j.waits = 3 or j.waits = 4));
  get diagnostics v_changed = row_count;
  update {schema}.track t set rank = f.rank, first = f.id
  from unnest(v_ids) v (id)
  cross join lateral (
    select j.rank, j.id from {schema}.job j
    where j.track = v.id and (j.waits = 3 or j.waits = 4) order by j.rank, j.id limit 1
  ) f
  where t.id = v.id and (t.rank, t.first) is distinct from (f.rank, f.id);
  get diagnostics v_count = row_count;
  return v_changed + v_count;
end
$$;

-- Moves on the turns of keys that had theirs. p_taken: by [limit, key] the turn of the last start.
create function {schema}.move_turns_1(p_taken jsonb) returns void
language plpgsql volatile as $$
declare
  v_one record;
  v_turn bigint;
begin
  for v_one in
    select ((k::jsonb) ->> 0)::integer as limit_id, (k::jsonb) ->> 1 as key, v::text::bigint as turn
    from jsonb_each(p_taken) e (k, v)
    order by 1, 2
  loop
    select v_one.turn + greatest(1, round(
      1000000 / coalesce((coalesce(m.setting, m.declared) -> 'weights' ->> v_one.key)::numeric, 1)))::bigint into v_turn
    from {schema}.limits m where m.id = v_one.limit_id;
    insert into {schema}.limit_turn (limit_id, key, turn) values (v_one.limit_id, v_one.key, v_turn)
    on conflict (limit_id, key) do update set turn = excluded.turn;
    update {schema}.track t set turn = v_turn where t.share_limit = v_one.limit_id and t.share_key = v_one.key;
    update {schema}.limits m set turn = greatest(m.turn, v_one.turn) where m.id = v_one.limit_id;
  end loop;
end
$$;

-- Like claim_1, for lanes that only limited claims may take from: those of its jobs are left out.
create function {schema}.claim_2(p_worker integer, p_worker_token bigint, p_token bigint, p_ids uuid[], p_most integer)
returns table (job_id uuid, ended_state smallint)
language plpgsql volatile as $$
begin
  lock table {schema}.claim in row exclusive mode;
  return query select * from {schema}.claim_1(p_worker, p_worker_token, p_token, array(
    select i.id from unnest(p_ids) with ordinality i (id, n)
    where not exists (
      select from {schema}.job j join {schema}.limited_lane x on x.lane = j.lane where j.id = i.id)
    order by i.n
  ), p_most);
end
$$;

-- Clears away what no limit counts any more, at most p_most of each, counts what runs and is not counted, and opens tracks
-- whose key has room. Locks all limits like a claim.
create function {schema}.repair_limits_1(p_most integer, out cleared bigint, out opened bigint)
language plpgsql volatile as $$
declare
  v_now bigint;
  v_count bigint;
  v_key record;
begin
  lock table {schema}.claim in row exclusive mode;
  perform 1 from {schema}.limits m order by m.id for update;
  v_now := {schema}.clock_ms();
  with garbage as (
    select u.limit_id, u.key, u.job from {schema}.limit_use u
    where not exists (select from {schema}.job j where j.id = u.job and j.state = 2 and j.attempt = u.attempt)
    limit p_most
  )
  delete from {schema}.limit_use u using garbage g
  where u.limit_id = g.limit_id and u.key = g.key and u.job = g.job;
  get diagnostics cleared = row_count;
  with garbage as (
    select s.limit_id, s.key, s.at from {schema}.limit_start s
    join {schema}.limits m on m.id = s.limit_id
    where s.at <= v_now - (coalesce(m.setting, m.declared) ->> 'perMs')::bigint
    limit p_most
  )
  delete from {schema}.limit_start s using garbage g
  where s.limit_id = g.limit_id and s.key = g.key and s.at = g.at;
  get diagnostics v_count = row_count;
  cleared := cleared + v_count;
  with garbage as (
    select t.limit_id, t.key from {schema}.limit_turn t join {schema}.limits m on m.id = t.limit_id
    where t.turn <= m.turn limit p_most
  )
  delete from {schema}.limit_turn t using garbage g where t.limit_id = g.limit_id and t.key = g.key;
  get diagnostics v_count = row_count;
  cleared := cleared + v_count;
  insert into {schema}.limit_use as o (limit_id, key, job, attempt)
  select * from {schema}.running_uses_1()
  on conflict (limit_id, key, job) do update set attempt = excluded.attempt where o.attempt <> excluded.attempt;
  opened := 0;
  for v_key in
    select distinct t.blocked_limit as id, t.blocked_key as key from {schema}.track t
    where t.blocked_limit is not null and t.blocked_until is null limit 1000
  loop
    if coalesce({schema}.room_1(v_key.id, v_key.key, v_now), 1) > 0 then
      opened := opened + {schema}.unblock_1(v_key.id, v_key.key);
    end if;
  end loop;
end
$$;
