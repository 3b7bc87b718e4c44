-- Batches with unique keys, all at once instead of one by one: enqueue_3 means what enqueue_2 means, behind the same locks in
-- the same order, so whoever goes on calling the older one meets it as before.

-- What is to be done with each job of a batch, whose keys are locked: 0 it is new, 1 its key is held, 2 its id is there,
-- 3 an earlier one of the batch has its key, 4 only enqueue_2 can say. Jobs with one key always go the same way: 4 or not 4.
-- With it the job that the answer is about and its state. A key that is not held stays so: who wants it needs its lock.
create function {schema}.weigh_batch_1(
  p_jobs jsonb, p_now bigint, out acts smallint[], out refs uuid[], out states smallint[]
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
begin
  with looked as materialized (
    select
      g.n, g.id, g.hash, g.keys is null and (g.hash is null or g.mode = 'skip') as easy,
      coalesce(g.mode = 'throttle', false) as throttles, own.state as own, holder.id as holder, holder.state as held,
      case when coalesce(g.run_at, p_now + g.delay) <= p_now then 1 else 0 end::smallint as state,
      coalesce(g.lasts > 0, true) as lasts, g.bits, g.keys
    from (
      select
        e.n, e.id, e."runAt" as run_at, e."delayMs" as delay, e.keys, decode(e."unique" ->> 'hash', 'hex') as hash,
        e."unique" ->> 'mode' as mode, (e."unique" ->> 'states')::integer as bits, (e."unique" ->> 'forMs')::bigint as lasts
      from rows from (
        jsonb_to_recordset(p_jobs) as (id uuid, "runAt" bigint, "delayMs" bigint, keys text, "unique" jsonb)
      ) with ordinality e (id, "runAt", "delayMs", keys, "unique", n)
    ) g
    left join {schema}.job own on own.id = g.id
    left join {schema}.hold h on h.hash = g.hash
    left join {schema}.job holder
      on holder.id = h.job and {schema}.holds_1(holder.unique_states, holder.unique_until, holder.state, p_now)
  ),
  -- Those whose ids are there are no part of what becomes of their key.
  ranked as materialized (
    select
      l.*, first_value(l.id) over w as first, first_value(l.state) over w as first_state,
      row_number() over w as place,
      case
        when l.hash is null then l.keys is not null
        else
          bool_or(l.own is null and (l.keys is not null or l.throttles)) over k
          or (
            (count(*) filter (where l.own is null) over k > 1 or l.holder is not null)
            and bool_or(l.own is null and not l.easy) over k
          )
          -- The first one does not keep the key from the next.
          or (
            l.holder is null and count(*) filter (where l.own is null) over k > 1
            and bool_or(l.own is null and not (l.lasts and (coalesce(l.bits, 0) & (1 << l.state)) <> 0)) over k
          )
      end as hard
    from looked l
    window k as (partition by l.hash), w as (partition by l.hash, l.own is null order by l.n)
  ),
  weighed as (
    select
      r.*,
      case
        -- What enqueue_2 replaces may be one of those, whose state the answer tells.
        when r.own is not null then case when bool_or(r.hard and r.own is null) over () then 4 else 2 end
        when r.hard then 4 when r.holder is not null then 1
        when r.hash is null or r.place = 1 then 0 else 3
      end as act
    from ranked r
  )
  select
    array_agg(w.act order by w.n),
    array_agg(case w.act when 1 then w.holder when 3 then w.first else w.id end order by w.n),
    array_agg(case w.act when 1 then w.held when 2 then w.own when 3 then w.first_state else w.state end order by w.n)
  into acts, refs, states
  from weighed w;
end
$$;

-- Writes those jobs of a batch that weigh_batch_1 said are new (0), with their keys. One row of the trail for each 1024
-- of a state. Fails as a whole when somebody else has added one of their ids meanwhile.
create function {schema}.add_batch_1(p_jobs jsonb, p_acts smallint[], p_now bigint) returns void
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
begin
  perform {schema}.lane_1(d.queue, d.kind)
  from (
    select distinct e.queue, e.kind
    from rows from (jsonb_to_recordset(p_jobs) as (queue text, kind text), unnest(p_acts)) e (queue, kind, act)
    where e.act = 0
    order by 1, 2
  ) d;
  with placed as materialized (
    select
      e.*, decode(e.key ->> 'hash', 'hex') as hash, t.due, greatest(t.due, p_now) as order_at, s.state,
      row_number() over (partition by s.state order by e.n) - 1 as place
    from rows from (
      jsonb_to_recordset(p_jobs) as (
        id uuid, queue text, kind text, priority bigint, input text, "delayMs" bigint, "runAt" bigint, "expireMs" bigint,
        "maxAttempts" integer, "maxCrashes" integer, "timeoutMs" bigint, retry text, tags text, metadata text,
        "unique" jsonb),
      unnest(p_acts)
    ) with ordinality e (
      id, queue, kind, priority, input, delay, run_at, expire, max_attempts, max_crashes, timeout, retry, tags, metadata,
      key, act, n)
    cross join lateral (select coalesce(e.run_at, p_now + e.delay) as due) t
    cross join lateral (select case when t.due <= p_now then 1 else 0 end::smallint as state) s
    where e.act = 0
  ),
  chunked as materialized (
    select
      p.*, case when p.place % 1024 = 0 then nextval('{schema}.trail_seq') end as drawn
    from placed p
  ),
  numbered as materialized (
    select c.*, max(c.drawn) over (partition by c.state, c.place / 1024) as seq from chunked c
  ),
  added as (
    insert into {schema}.job (
      id, rank, run_at, enqueued_at, trail, expires_at, unique_until, timeout_ms, lane, max_attempts, max_crashes, state,
      waits, priority, unique_states, input, tags, metadata, retry, unique_hash, unique_label)
    select
      p.id,
      p.priority * coalesce((select q.aging_ms from {schema}.queue q where q.name = p.queue), 8796093022208) + p.order_at,
      p.due, p_now, p.seq * 1024 + p.place % 1024, p.order_at + p.expire, p_now + (p.key ->> 'forMs')::bigint, p.timeout,
      (select l.id from {schema}.lane l where l.queue = p.queue and l.kind = p.kind), p.max_attempts, p.max_crashes,
      p.state, p.state, p.priority::smallint, (p.key ->> 'states')::smallint, p.input, p.tags, p.metadata, p.retry,
      p.hash, p.key ->> 'label'
    from numbered p
    order by p.n
  ),
  held as (
    update {schema}.hold h set job = p.id, folded = null, window_until = null, window_job = null
    from numbered p
    where h.hash = p.hash
  )
  insert into {schema}.trail (seq, at, to_state, jobs)
  select p.seq, p_now, p.state, array_agg(p.id order by p.place)
  from numbered p
  group by p.seq, p.state
  order by p.seq;
end
$$;

-- Like enqueue_2. All keys first and in one order, as there; then what needs the locks of jobs; then all others at once.
create function {schema}.enqueue_3(p_jobs jsonb) returns table (id uuid, status text, state smallint)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  v_now bigint;
  v_hashes bytea[];
  v_ids bigint;
  v_acts smallint[];
  v_refs uuid[];
  v_states smallint[];
  v_statuses text[];
  v_singly smallint[] := '{4}';
  v_places integer[];
  v_jobs jsonb;
  v_one record;
begin
  select array_agg(distinct decode(e."unique" ->> 'hash', 'hex')) filter (where e."unique" <> 'null'), count(distinct e.id)
  into v_hashes, v_ids
  from jsonb_to_recordset(p_jobs) e (id uuid, "unique" jsonb);
  -- Jobs without unique keys are other queries' business, one job alone is no batch, and an id that comes twice is rare.
  if v_hashes is null or jsonb_array_length(p_jobs) = 1 or v_ids < jsonb_array_length(p_jobs) then
    return query select * from {schema}.enqueue_2(p_jobs);
    return;
  end if;
  insert into {schema}.hold (hash) select k from unnest(v_hashes) k order by k on conflict do nothing;
  perform 1 from {schema}.hold h where h.hash = any (v_hashes) order by h.hash for update;
  -- Only now: who waited for a key must not decide by the time before.
  v_now := {schema}.clock_ms();
  select * into v_acts, v_refs, v_states from {schema}.weigh_batch_1(p_jobs, v_now);
  v_statuses := array(
    select (array['enqueued', 'duplicate', 'repeated', 'duplicate', null])[a.act + 1]
    from unnest(v_acts) with ordinality a (act, n) order by a.n);
  loop
    select array_agg(e.n::integer order by e.n), jsonb_agg(e.job order by e.n) into v_places, v_jobs
    from rows from (jsonb_array_elements(p_jobs), unnest(v_acts)) with ordinality e (job, act, n)
    where e.act = any (v_singly);
    if v_places is not null then
      for v_one in
        select r.id, r.status, r.state, r.n from {schema}.enqueue_2(v_jobs) with ordinality r (id, status, state, n)
      loop
        v_refs[v_places[v_one.n]] := v_one.id;
        v_statuses[v_places[v_one.n]] := v_one.status;
        v_states[v_places[v_one.n]] := v_one.state;
      end loop;
    end if;
    exit when 0 = any (v_singly) or not 0 = any (v_acts);
    begin
      perform {schema}.add_batch_1(p_jobs, v_acts, v_now);
      exit;
    exception when unique_violation then
      -- Somebody else added one of these ids in between.
      v_singly := '{0, 3}';
    end;
  end loop;
  -- A key of which all jobs were there already is nobody's.
  if 2 = any (v_acts) then
    delete from {schema}.hold h where h.hash = any (v_hashes) and h.job is null and h.window_job is null;
  end if;
  return query select * from unnest(v_refs, v_statuses, v_states);
end
$$;
