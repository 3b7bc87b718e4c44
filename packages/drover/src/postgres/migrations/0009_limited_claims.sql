-- Claims under limits, batch by batch instead of job by job and key by key: claim_limited_2 starts what claim_limited_1 would,
-- behind the same locks and by the same rows, so workers that go on calling the older one count with it, and it with them.
-- A meter is what one limit counts under one key, as a text: "c7:acme" for the limit of concurrency with the id 7, "r8:acme"
-- for a rate, "c7:" over all keys.

-- Like cleared_room_1 for many meters at once: what each still allows, by meter. Claims call it, which have locked the limits.
-- The same look counts what counts and finds what does not any more, which it clears away.
create function {schema}.cleared_rooms_1(p_meters text[], p_now bigint, out rooms jsonb, out is_full boolean)
language plpgsql volatile as $$
begin
  with met as materialized (
    select q.meter, m.id, substr(q.meter, strpos(q.meter, ':') + 1) as key, m.type,
      (coalesce(m.setting, m.declared) ->> 'max')::bigint as most,
      p_now - (coalesce(m.setting, m.declared) ->> 'perMs')::bigint as since
    from unnest(p_meters) q (meter)
    join {schema}.limits m on m.id = substr(split_part(q.meter, ':', 1), 2)::integer
  ),
  used as materialized (
    select met.meter, met.most, c.used, c.gone
    from met
    cross join lateral (
      select count(*) filter (where u.counts) as used, array_agg(u.place) filter (where not u.counts) as gone
      from (
        select o.ctid as place, exists (
          select from {schema}.job j where j.id = o.job and j.state = 2 and j.attempt = o.attempt) as counts
        from {schema}.limit_use o
        where o.limit_id = met.id and o.key = met.key
        offset 0
      ) u
    ) c
    where met.type = 'concurrency'
  ),
  begun as materialized (
    select met.meter, met.most, c.used, c.gone
    from met
    cross join lateral (
      select
        coalesce(sum(s.starts) filter (where s.at > met.since), 0) as used,
        array_agg(s.ctid) filter (where s.at <= met.since) as gone
      from {schema}.limit_start s
      where s.limit_id = met.id and s.key = met.key
    ) c
    where met.type = 'rate'
  ),
  cleared_uses as (
    delete from {schema}.limit_use u where u.ctid = any (array(select unnest(x.gone) from used x))
  ),
  cleared_starts as (
    delete from {schema}.limit_start s where s.ctid = any (array(select unnest(x.gone) from begun x))
  )
  select coalesce(jsonb_object_agg(r.meter, greatest(0, r.most - r.used)), '{}'), coalesce(bool_or(r.used >= r.most), false)
  into rooms, is_full
  from (select * from used union all select * from begun) r;
end
$$;

-- What these lanes have in common for a whole claim, each in its place: the fair limit that their jobs take turns by, the
-- weights of its keys, the group within which turns decide, and the meters over all keys that every job of it meets.
create function {schema}.lane_rules_1(
  p_queue text, p_lanes integer[], out fairs integer[], out weights jsonb[], out groups integer[], out wide jsonb[],
  out is_fair boolean, out is_wide boolean
)
language plpgsql volatile as $$
begin
  select
    array_agg(f.id order by l.n),
    array_agg(coalesce(f.setting -> 'weights', 'null') order by l.n),
    array_agg(case when f.scope = 'kind' then l.id else 0 end order by l.n),
    array_agg(w.meters order by l.n),
    coalesce(bool_or(f.id is not null), false),
    coalesce(bool_or(w.meters <> '[]'), false)
  into fairs, weights, groups, wide, is_fair, is_wide
  from (
    select x.id, x.n, e.kind from unnest(p_lanes) with ordinality x (id, n) join {schema}.lane e on e.id = x.id
  ) l
  left join lateral (
    select m.id, m.scope, coalesce(m.setting, m.declared) as setting from {schema}.limits m
    where m.target in (p_queue, l.kind) and m.target = case m.scope when 'queue' then p_queue else l.kind end
      and m.type = 'fair' and coalesce(m.setting, m.declared) is not null
    order by m.scope = 'queue' desc
    limit 1
  ) f on true
  cross join lateral (
    select coalesce(jsonb_agg(left(m.type, 1) || m.id || ':'), '[]') as meters from {schema}.limits m
    where m.target in (p_queue, l.kind) and m.target = case m.scope when 'queue' then p_queue else l.kind end
      and m.by_key = '' and m.type <> 'fair' and coalesce(m.setting, m.declared) is not null
  ) w;
end
$$;

-- The open tracks that come next in these lanes, at most p_most of each, and the meters that their jobs meet.
create function {schema}.next_tracks_1(
  p_lanes integer[], p_fairs integer[], p_wide jsonb[], p_open integer[], p_alone boolean, p_most integer,
  out ids bigint[], out lanes integer[], out shares text[], out turns bigint[], out ranks bigint[], out firsts uuid[],
  out meters jsonb[]
)
language plpgsql volatile as $$
begin
  select
    array_agg(t.id), array_agg(l.id), array_agg(t.share_key),
    -- What waited where nobody claimed stands behind the last start in its row, and has saved nothing up.
    array_agg(greatest(t.turn, l.turn)), array_agg(t.rank), array_agg(t.first), array_agg(l.wide || k.meters)
  into ids, lanes, shares, turns, ranks, firsts, meters
  from (
    select x.id, x.wide, (select m.turn from {schema}.limits m where m.id = x.fair) as turn
    from unnest(p_lanes, p_fairs, p_wide) x (id, fair, wide)
    where x.id = any (p_open)
  ) l
  cross join lateral (
    select * from {schema}.track o
    where o.lane = l.id and o.alone = p_alone and o.blocked_limit is null
    order by o.turn, o.rank, o.first limit p_most
  ) t
  cross join lateral (
    select coalesce(jsonb_agg(left(m.type, 1) || m.id || ':' || (e.value ->> 1)), '[]') as meters
    from jsonb_array_elements(t.keys::jsonb) e
    join {schema}.limits m on m.name = e.value ->> 0 and m.type <> 'fair'
      and coalesce(m.setting, m.declared) is not null
  ) k;
end
$$;

-- Has tracks that meet a full limit stand aside. Returns how many.
create function {schema}.block_tracks_1(p_tracks bigint[], p_meters jsonb[], p_rooms jsonb, p_now bigint) returns integer
language plpgsql volatile as $$
declare
  v_blocked integer;
begin
  with full_meters as (
    select distinct on (t.id) t.id, substr(split_part(q.meter, ':', 1), 2)::integer as limit_id,
      substr(q.meter, strpos(q.meter, ':') + 1) as key
    from unnest(p_tracks, p_meters) t (id, meters)
    cross join lateral jsonb_array_elements_text(t.meters) q (meter)
    where (p_rooms ->> q.meter)::integer = 0
    order by 1, 2
  )
  update {schema}.track t set
    blocked_limit = f.limit_id, blocked_key = f.key, blocked_until = {schema}.free_at_1(f.limit_id, f.key, p_now)
  from full_meters f
  where t.id = f.id;
  get diagnostics v_blocked = row_count;
  return v_blocked;
end
$$;

-- The jobs that go next, in order and locked. Of each track as many are looked at as it has room for, and ordinary ones.
-- careful: it has expired or must take a key first. stale: tracks whose first job is another one than they say. With p_bound
-- nothing is read behind the first job of the track in place p_most, because so many stand before it; bounded says whether
-- there was one.
create function {schema}.pick_jobs_1(
  p_lanes integer[], p_wide jsonb[], p_open integer[], p_tracks bigint[], p_ranks bigint[], p_firsts uuid[],
  p_meters jsonb[], p_rooms jsonb, p_alone boolean, p_most integer, p_skipped uuid[], p_now bigint, p_bound boolean,
  out ids uuid[], out prevs bigint[], out attempts integer[], out tracks bigint[], out meters jsonb[], out careful boolean[],
  out stale bigint[], out bounded boolean, out fairs integer[], out shares text[], out turns bigint[]
)
language plpgsql volatile as $$
declare
  v_rank bigint;
  v_first uuid;
begin
  bounded := p_bound and coalesce(cardinality(p_tracks), 0) >= p_most;
  if bounded then
    select t.rank, t.first into v_rank, v_first from unnest(p_ranks, p_firsts) t (rank, first)
    order by t.rank, t.first offset p_most - 1 limit 1;
  else
    v_rank := 9223372036854775807;
    v_first := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  end if;
  with looked as materialized (
    select t.id, t.meters, t.rank, t.first, j.id as job, j.rank as job_rank
    from (
      select x.*, least(p_most, (
        select min((p_rooms ->> q.meter)::integer) from jsonb_array_elements_text(x.meters) q (meter))) as room
      from unnest(p_tracks, p_ranks, p_firsts, p_meters) x (id, rank, first, meters)
      where (x.rank, x.first) <= (v_rank, v_first)
      offset 0
    ) t
    left join lateral (
      select r.id, r.rank from {schema}.job r
      where r.track = t.id and (r.waits = 3 or r.waits = 4) and (r.rank, r.id) <= (v_rank, v_first)
        and r.id <> all (p_skipped)
      order by r.rank, r.id limit t.room
    ) j on true
  ),
  locked as materialized (
    select c.*, j.trail, j.attempt,
      coalesce(j.attempt = 0 and j.expires_at <= p_now or (j.unique_states::integer & 6) = 4, false) as careful
    from (
      select t.job as id, t.job_rank as rank, t.id as track, t.meters from looked t where t.job is not null
      union all
      select j.id, j.rank, null, l.wide
      from unnest(p_lanes, p_wide) l (id, wide)
      cross join lateral (
        (select r.id, r.rank from {schema}.job r
        where not p_alone and r.lane = l.id and r.waits = 1 and (r.rank, r.id) <= (v_rank, v_first)
          and r.id <> all (p_skipped)
        order by r.rank, r.id limit p_most)
        union all
        (select r.id, r.rank from {schema}.job r
        where p_alone and r.lane = l.id and r.waits = 2 and (r.rank, r.id) <= (v_rank, v_first)
          and r.id <> all (p_skipped)
        order by r.rank, r.id limit p_most)
      ) j
      where l.id = any (p_open)
      order by rank, id
      limit p_most * 2
    ) c
    cross join lateral (
      select r.trail, r.attempt, r.expires_at, r.unique_states from {schema}.job r
      where r.id = c.id and r.waits is not null and r.track is not distinct from c.track
      for no key update skip locked
    ) j
    limit p_most
  )
  select
    array_agg(k.id), array_agg(k.trail), array_agg(k.attempt + 1), array_agg(k.track), array_agg(k.meters),
    array_agg(k.careful),
    array(select t.id from looked t group by t.id having bool_or(t.job = t.first and t.job_rank = t.rank) is not true)
  into ids, prevs, attempts, tracks, meters, careful, stale
  from (select * from locked l order by l.rank, l.id) k;
end
$$;

-- Like pick_jobs_1 where a fair limit has keys take turns: lanes or groups of them are merged by the rank of what is first in
-- each, which is the order of the greatest rank so far.
create function {schema}.pick_in_turn_1(
  p_lanes integer[], p_fairs integer[], p_weights jsonb[], p_groups integer[], p_wide jsonb[], p_open integer[],
  p_tracks bigint[], p_track_lanes integer[], p_shares text[], p_turns bigint[], p_ranks bigint[], p_firsts uuid[],
  p_meters jsonb[], p_rooms jsonb, p_alone boolean, p_most integer, p_skipped uuid[], p_now bigint,
  out ids uuid[], out prevs bigint[], out attempts integer[], out tracks bigint[], out meters jsonb[], out careful boolean[],
  out stale bigint[], out bounded boolean, out fairs integer[], out shares text[], out turns bigint[]
)
language plpgsql volatile as $$
begin
  bounded := false;
  with lanes as materialized (
    select l.*, coalesce({schema}.turn_of_1(l.fair, ''), 0) as turn
    from unnest(p_lanes, p_fairs, p_weights, p_groups, p_wide) l (id, fair, weights, grp, wide)
    where l.id = any (p_open)
  ),
  looked as materialized (
    select t.*, j.id as job, j.rank as job_rank
    from (
      select x.*, least(p_most, (
        select min((p_rooms ->> q.meter)::integer) from jsonb_array_elements_text(x.meters) q (meter))) as room
      from unnest(p_tracks, p_track_lanes, p_shares, p_turns, p_ranks, p_firsts, p_meters)
        x (id, lane, share, turn, rank, first, meters)
      offset 0
    ) t
    left join lateral (
      select r.id, r.rank from {schema}.job r
      where r.track = t.id and (r.waits = 3 or r.waits = 4) and r.id <> all (p_skipped)
      order by r.rank, r.id limit t.room
    ) j on true
  ),
  found as (
    select t.job as id, t.job_rank as rank, t.id as track, l.fair, l.grp, t.share, t.turn, t.meters, l.weights
    from looked t
    join lanes l on l.id = t.lane
    where t.job is not null
    union all
    select j.id, j.rank, null, l.fair, l.grp, '', l.turn, l.wide, l.weights
    from lanes l
    cross join lateral (
      (select r.id, r.rank from {schema}.job r
      where not p_alone and r.lane = l.id and r.waits = 1 and r.id <> all (p_skipped) order by r.rank, r.id limit p_most)
      union all
      (select r.id, r.rank from {schema}.job r
      where p_alone and r.lane = l.id and r.waits = 2 and r.id <> all (p_skipped) order by r.rank, r.id limit p_most)
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
  ),
  locked as materialized (
    select c.*, j.trail, j.attempt,
      coalesce(j.attempt = 0 and j.expires_at <= p_now or (j.unique_states::integer & 6) = 4, false) as careful
    from (select * from merged m order by m.greatest_rank, m.grp, m.n limit p_most * 2) c
    cross join lateral (
      select r.trail, r.attempt, r.expires_at, r.unique_states from {schema}.job r
      where r.id = c.id and r.waits is not null and r.track is not distinct from c.track
      for no key update skip locked
    ) j
    limit p_most
  )
  select
    array_agg(k.id), array_agg(k.trail), array_agg(k.attempt + 1), array_agg(k.track), array_agg(k.meters),
    array_agg(k.careful), array_agg(k.fair), array_agg(k.share), array_agg(k.at_turn),
    array(select t.id from looked t group by t.id having bool_or(t.job = t.first and t.job_rank = t.rank) is not true)
  into ids, prevs, attempts, tracks, meters, careful, fairs, shares, turns, stale
  from (select * from locked l order by l.greatest_rank, l.grp, l.n) k;
end
$$;

-- Places (from 1) of those of these jobs, in order, that do not find room on each of their meters if all before them go.
create function {schema}.refused_1(p_meters jsonb[], p_rooms jsonb) returns integer[]
language plpgsql immutable as $$
begin
  return array(
    select distinct c.n::integer
    from (
      select k.n, q.meter, row_number() over (partition by q.meter order by k.n) as nth
      from unnest(p_meters) with ordinality k (meters, n)
      cross join lateral jsonb_array_elements_text(k.meters) q (meter)
    ) c
    where c.nth > (p_rooms ->> c.meter)::integer);
end
$$;

-- Of a picked job that has expired or must take a key: whether it starts (2), is ended instead (its state), or is left for
-- another claim because somebody has its key locked (null).
create function {schema}.look_closely_1(p_job uuid, p_now bigint) returns smallint
language plpgsql volatile as $$
declare
  v_job {schema}.job;
  v_takes_key boolean;
begin
  select * into v_job from {schema}.job j where j.id = p_job;
  v_takes_key := coalesce((v_job.unique_states::integer & 6) = 4, false) and v_job.unique_hash is not null;
  if v_takes_key then
    perform 1 from {schema}.hold h where h.hash = v_job.unique_hash for update skip locked;
    if not found and exists (select from {schema}.hold h where h.hash = v_job.unique_hash) then return null; end if;
  end if;
  if v_job.attempt = 0 and v_job.expires_at <= p_now then
    perform {schema}.end_job_1(v_job, 5, p_now, v_job.crashes, v_job.interruptions, null, null, 'expired');
    return 5;
  end if;
  if v_takes_key and not {schema}.reclaim_key_1(
    v_job.id, v_job.unique_hash, v_job.unique_states, v_job.unique_until, 2, p_now
  ) then
    perform {schema}.end_job_1(
      v_job, 6, p_now, v_job.crashes, v_job.interruptions, null, null, 'unique key is held by another job');
    return 6;
  end if;
  return 2;
end
$$;

-- Starts jobs that are locked, and writes what their limits count. Returns the row of the trail that tells of it.
create function {schema}.start_jobs_1(
  p_worker integer, p_token bigint, p_now bigint, p_ids uuid[], p_prevs bigint[], p_attempts integer[], p_meters jsonb[]
) returns bigint
language plpgsql volatile as $$
declare
  v_seq bigint := {schema}.draw_1();
begin
  with started as (
    update {schema}.job j set
      state = 2, waits = null, attempt = j.attempt + 1, worker = p_worker, token = p_token, started_at = p_now,
      trail = v_seq * 1024 + k.n - 1
    from unnest(p_ids) with ordinality k (id, n)
    where j.id = k.id
  ),
  told as (
    insert into {schema}.trail (seq, at, from_state, to_state, worker, jobs, prevs, attempts)
    values (v_seq, p_now, 1, 2, p_worker, p_ids, p_prevs, p_attempts)
  ),
  opened as (
    insert into {schema}.claim (worker, seq, token, at, jobs) values (p_worker, v_seq, p_token, p_now, p_ids)
  ),
  counted as materialized (
    select left(q.meter, 1) as type, substr(split_part(q.meter, ':', 1), 2)::integer as id,
      substr(q.meter, strpos(q.meter, ':') + 1) as key, u.job, u.attempt
    from unnest(p_ids, p_attempts, p_meters) u (job, attempt, meters)
    cross join lateral jsonb_array_elements_text(u.meters) q (meter)
  ),
  used as (
    insert into {schema}.limit_use (limit_id, key, job, attempt)
    select c.id, c.key, c.job, c.attempt from counted c where c.type = 'c'
    on conflict (limit_id, key, job) do update set attempt = excluded.attempt
  )
  insert into {schema}.limit_start as s (limit_id, key, at, starts)
  select c.id, c.key, p_now, count(*) from counted c where c.type = 'r' group by c.id, c.key
  on conflict (limit_id, key, at) do update set starts = s.starts + excluded.starts;
  return v_seq;
end
$$;

-- Like tidy_tracks_1, for these tracks only.
create function {schema}.tidy_tracks_2(p_tracks bigint[]) returns integer
language plpgsql volatile as $$
declare
  v_ids bigint[];
  v_changed integer;
begin
  v_ids := array(select t.id from {schema}.track t where t.id = any (p_tracks) for update skip locked);
  -- Only in a later statement, which sees what was enqueued until the locks were had.
  with next as materialized (
    select v.id, f.rank, f.first
    from unnest(v_ids) v (id)
    left join lateral (
      select j.rank, j.id as first from {schema}.job j
      where j.track = v.id and (j.waits = 3 or j.waits = 4) order by j.rank, j.id limit 1
    ) f on true
  ),
  dropped as (
    delete from {schema}.track t using next n where t.id = n.id and n.first is null returning 1
  ),
  moved as (
    update {schema}.track t set rank = n.rank, first = n.first from next n
    where t.id = n.id and n.first is not null and (t.rank, t.first) is distinct from (n.rank, n.first)
    returning 1
  )
  select (select count(*) from dropped) + (select count(*) from moved) into v_changed;
  return v_changed;
end
$$;

-- Like move_turns_1, for all keys at once: each with the turn of its last start.
create function {schema}.move_turns_2(p_limits integer[], p_keys text[], p_turns bigint[]) returns void
language plpgsql volatile as $$
begin
  update {schema}.limits m set turn = k.turn
  from (select x.id, max(x.turn) as turn from unnest(p_limits, p_turns) x (id, turn) group by x.id) k
  where m.id = k.id and m.turn < k.turn;
  with moved as (
    select k.id, k.key, k.turn + greatest(1, round(
      1000000 / coalesce((coalesce(m.setting, m.declared) -> 'weights' ->> k.key)::numeric, 1)))::bigint as turn
    from (
      select x.id, x.key, max(x.turn) as turn from unnest(p_limits, p_keys, p_turns) x (id, key, turn) group by x.id, x.key
    ) k
    join {schema}.limits m on m.id = k.id
  ),
  noted as (
    insert into {schema}.limit_turn (limit_id, key, turn) select v.id, v.key, v.turn from moved v order by v.id, v.key
    on conflict (limit_id, key) do update set turn = excluded.turn
  )
  update {schema}.track t set turn = v.turn from moved v where t.share_limit = v.id and t.share_key = v.key;
end
$$;

-- Claims from lanes with limits or tracks, as claim_limited_1 does: in order, and never more than any limit allows, because
-- nothing is counted before the rows of all limits that these jobs can meet are locked. Each pass looks at what comes next,
-- has tracks that meet a full limit stand aside, picks, and starts what finds room, each in one statement for all.
create function {schema}.claim_limited_2(
  p_worker integer, p_worker_token bigint, p_token bigint, p_queue text, p_lanes integer[], p_alone boolean, p_most integer,
  out jobs uuid[], out ended uuid[], out ended_states smallint[], out held_back boolean, out shut_lanes integer[]
)
language plpgsql volatile
-- All it reads is found by an index, whatever statistics there are of tables that come and go; planned once, not each time.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  v_now bigint := {schema}.clock_ms();
  v_left integer := p_most;
  v_asked integer;
  v_open integer[];
  v_rooms jsonb := '{}';
  v_wide_lanes integer[];
  v_wide_meters text[];
  v_wide_types text[];
  v_rules record;
  v_tracks record;
  v_picked record;
  v_meters text[];
  v_state smallint;
  v_dropped integer[];
  v_skipped uuid[] := '{}';
  v_moved integer;
  v_count integer;
  v_seen integer;
  v_seq bigint;
  v_lanes record;
  v_counted record;
  v_is_full boolean := false;
  v_due boolean;
  v_keyed_due boolean;
  v_window_opens boolean;
begin
  jobs := '{}';
  ended := '{}';
  ended_states := '{}';
  shut_lanes := '{}';
  held_back := false;
  -- Before everything else: whoever changes limits has this lock.
  lock table {schema}.claim in row exclusive mode;
  -- What they say stays as it is while nobody may change limits.
  v_rules := {schema}.lane_rules_1(p_queue, p_lanes);
  v_open := p_lanes;
  if v_rules.is_wide then
    if not {schema}.may_claim_1(p_worker, p_worker_token, p_queue, v_now) then return; end if;
    -- Each lane with each limit over all keys that its jobs meet.
    select array_agg(l.id), array_agg(q.meter), array_agg(case when q.meter like 'c%' then 'concurrency' else 'rate' end)
    into v_wide_lanes, v_wide_meters, v_wide_types
    from unnest(p_lanes, v_rules.wide) l (id, wide)
    cross join lateral jsonb_array_elements_text(l.wide) q (meter);
    select jsonb_object_agg(w.meter, {schema}.room_1(substr(rtrim(w.meter, ':'), 2)::integer, '', v_now)) into v_rooms
    from (select distinct x.meter from unnest(v_wide_meters) x (meter)) w;
    select * into v_open, shut_lanes from {schema}.open_lanes_1(p_lanes, v_wide_lanes, v_wide_meters, v_wide_types, v_rooms);
    if v_open = '{}' then
      held_back := p_most > 0;
      return;
    end if;
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
  if not v_rules.is_wide then shut_lanes := p_lanes; end if;
  select
    exists (select from {schema}.job d where d.lane = any (p_lanes) and d.waits = 0 and d.run_at <= v_now),
    exists (select from {schema}.job d where d.lane = any (p_lanes) and d.waits = 5 and d.run_at <= v_now),
    exists (select from {schema}.track t where t.lane = any (p_lanes) and t.blocked_until <= v_now)
  into v_due, v_keyed_due, v_window_opens;
  if v_due then perform {schema}.promote_1(p_lanes, 1000); end if;
  if v_keyed_due then perform {schema}.promote_keyed_1(p_lanes, v_now, 1000); end if;
  if v_window_opens then
    update {schema}.track t set
      blocked_limit = null, blocked_key = null, blocked_until = null,
      turn = greatest(t.turn, coalesce((select m.turn from {schema}.limits m where m.id = t.share_limit), 0))
    where t.lane = any (p_lanes) and t.blocked_until is not null and t.blocked_until <= v_now;
  end if;
  v_rooms := '{}';
  if v_rules.is_wide then
    v_meters := array(select distinct x.meter from unnest(v_wide_meters) x (meter));
    v_counted := {schema}.cleared_rooms_1(v_meters, v_now);
    v_rooms := v_counted.rooms;
  end if;
  for pass in 1..200 loop
    if v_rules.is_wide then
      v_lanes := {schema}.open_lanes_1(p_lanes, v_wide_lanes, v_wide_meters, v_wide_types, v_rooms);
      v_open := v_lanes.open_lanes;
      shut_lanes := v_lanes.shut_lanes;
    end if;
    exit when v_left = 0 or v_open = '{}';
    -- No more can start than the widest of these lanes has room for: what is beyond need not be read or locked.
    v_asked := v_left;
    if v_rules.is_wide then
      select least(v_left, max(o.room)) into v_asked
      from (
        select coalesce(min((v_rooms ->> w.meter)::integer), v_left) as room
        from unnest(v_open) l (id)
        left join unnest(v_wide_lanes, v_wide_meters) w (lane, meter) on w.lane = l.id
        group by l.id
      ) o;
    end if;
    v_tracks := {schema}.next_tracks_1(p_lanes, v_rules.fairs, v_rules.wide, v_open, p_alone, v_left);
    if v_tracks.ids is not null then
      -- What was counted once needs no second count: since then nothing started but what this claim takes.
      v_meters := array(
        select distinct q.meter
        from unnest(v_tracks.meters) t (meters)
        cross join lateral jsonb_array_elements_text(t.meters) q (meter)
        where not v_rooms ? q.meter);
      if v_meters <> '{}' then
        v_counted := {schema}.cleared_rooms_1(v_meters, v_now);
        v_rooms := v_rooms || v_counted.rooms;
        v_is_full := v_is_full or v_counted.is_full;
      end if;
      -- Others came into view in place of those that stand aside, of which nothing was counted yet.
      continue when v_is_full and {schema}.block_tracks_1(v_tracks.ids, v_tracks.meters, v_rooms, v_now) > 0;
    end if;
    if v_rules.is_fair then
      v_picked := {schema}.pick_in_turn_1(
        p_lanes, v_rules.fairs, v_rules.weights, v_rules.groups, v_rules.wide, v_open,
        v_tracks.ids, v_tracks.lanes, v_tracks.shares, v_tracks.turns, v_tracks.ranks, v_tracks.firsts, v_tracks.meters,
        v_rooms, p_alone, v_asked, v_skipped, v_now);
    else
      v_picked := {schema}.pick_jobs_1(
        p_lanes, v_rules.wide, v_open, v_tracks.ids, v_tracks.ranks, v_tracks.firsts, v_tracks.meters,
        v_rooms, p_alone, v_asked, v_skipped, v_now, pass = 1);
    end if;
    v_seen := coalesce(cardinality(v_picked.ids), 0);
    -- One that is refused keeps its place: nobody behind it takes it, and the next pass knows who went.
    v_dropped := {schema}.refused_1(v_picked.meters, v_rooms);
    v_moved := v_seen - cardinality(v_dropped);
    if v_moved > 0 and true = any (v_picked.careful) then
      for i in 1..v_seen loop
        continue when not v_picked.careful[i] or i = any (v_dropped);
        v_state := {schema}.look_closely_1(v_picked.ids[i], v_now);
        continue when v_state = 2;
        v_dropped := v_dropped || i;
        if v_state is null then
          v_skipped := v_skipped || v_picked.ids[i];
        else
          ended := ended || v_picked.ids[i];
          ended_states := ended_states || v_state;
        end if;
      end loop;
    end if;
    if v_dropped <> '{}' then
      select
        array_agg(k.id order by k.n), array_agg(k.prev order by k.n), array_agg(k.attempt order by k.n),
        array_agg(k.meters order by k.n), array_agg(k.fair order by k.n), array_agg(k.share order by k.n),
        array_agg(k.turn order by k.n)
      into
        v_picked.ids, v_picked.prevs, v_picked.attempts, v_picked.meters, v_picked.fairs, v_picked.shares, v_picked.turns
      from unnest(
        v_picked.ids, v_picked.prevs, v_picked.attempts, v_picked.meters, v_picked.fairs, v_picked.shares, v_picked.turns
      ) with ordinality k (id, prev, attempt, meters, fair, share, turn, n)
      where k.n <> all (v_dropped);
    end if;
    v_count := coalesce(cardinality(v_picked.ids), 0);
    if v_count > 0 then
      -- Each pass sees jobs that were enqueued since the one before, so it has a later place in the trail; and none starts
      -- before it was enqueued. Room was counted for a window that ended no later than the one that ends now, and no start
      -- but ours came between, so what was allowed then is allowed now.
      v_now := greatest(v_now, {schema}.clock_ms());
      v_seq := {schema}.start_jobs_1(
        p_worker, p_token, v_now, v_picked.ids, v_picked.prevs, v_picked.attempts, v_picked.meters);
      jobs := jobs || v_picked.ids;
      v_left := v_left - v_count;
      if v_left > 0 or v_rules.is_wide then
        select v_rooms || coalesce(jsonb_object_agg(u.meter, u.room), '{}'), v_is_full or coalesce(bool_or(u.room = 0), false)
        into v_rooms, v_is_full
        from (
          select q.meter, (v_rooms ->> q.meter)::integer - count(*) as room
          from unnest(v_picked.meters) k (meters)
          cross join lateral jsonb_array_elements_text(k.meters) q (meter)
          group by q.meter
        ) u;
      end if;
    end if;
    if v_tracks.ids is not null then
      v_moved := v_moved + {schema}.tidy_tracks_2(v_picked.tracks || v_picked.stale);
    end if;
    if v_count > 0 and v_rules.is_fair then
      perform {schema}.move_turns_2(v_picked.fairs, v_picked.shares, v_picked.turns);
    end if;
    -- What is bounded may have missed what stands behind jobs that somebody has locked.
    exit when v_moved = 0 and not v_picked.bounded or cardinality(jobs) >= 1024;
    -- All there was to see was seen, and started.
    if v_tracks.ids is null and v_seen = v_count and v_count < v_asked then
      if v_rules.is_wide then
        v_lanes := {schema}.open_lanes_1(p_lanes, v_wide_lanes, v_wide_meters, v_wide_types, v_rooms);
        v_open := v_lanes.open_lanes;
        shut_lanes := v_lanes.shut_lanes;
      end if;
      exit;
    end if;
  end loop;
  if v_left > 0 then
    held_back := cardinality(v_open) < cardinality(p_lanes) or exists (
      select from {schema}.track t where t.lane = any (p_lanes) and t.alone = p_alone);
  end if;
  if cardinality(jobs) = 0 then return; end if;
  update {schema}.limits m set last_at = v_now
  where m.type = 'rate' and m.last_at < v_now and (
    (m.scope = 'queue' and m.target = p_queue)
    or (m.scope = 'kind' and m.target in (select l.kind from {schema}.lane l where l.id = any (p_lanes))));
end
$$;
