-- What happens to jobs that workers take: the rare ways; the usual one is sql/exchange.sql.

-- Why the fence held a settlement off: written before by this very attempt, or superseded.
create function {schema}.why_not_1(p_worker integer, p_id uuid, p_attempt integer, p_token bigint) returns text
language plpgsql volatile as $$
declare
  v_job {schema}.job;
  v_at bigint;
  v_row {schema}.trail;
  v_index integer;
begin
  select * into v_job from {schema}.job j where j.id = p_id;
  if not found then return 'fenced'; end if;
  if v_job.attempt = p_attempt and v_job.token = p_token then
    return case when v_job.state = 2 then 'fenced' else 'repeated' end;
  end if;
  -- The job went on since. Its trail still knows who ended this attempt, a few steps back.
  v_at := v_job.trail;
  for step in 1..1000 loop
    select * into v_row from {schema}.trail t where t.seq = v_at / 1024;
    if not found then return 'fenced'; end if;
    v_index := v_at % 1024 + 1;
    if v_row.from_state = 2 and coalesce(v_row.attempts[v_index], 0) = p_attempt then
      return case when v_row.worker = p_worker and v_row.actor is null then 'repeated' else 'fenced' end;
    end if;
    v_at := v_row.prevs[v_index];
    if v_at is null then return 'fenced'; end if;
  end loop;
  return 'fenced';
end
$$;

-- Writes the outcome of one attempt that still holds its job, which is locked and read. Returns its status.
create function {schema}.settle_one_1(p_worker integer, p_job {schema}.job, p_now bigint, p_what jsonb) returns text
language plpgsql volatile as $$
declare
  v_kind text := p_what ->> 'to';
  v_delay bigint := (p_what ->> 'delayMs')::bigint;
  v_error text := p_what ->> 'error';
  v_reason text := p_what ->> 'reason';
  v_result text := p_what ->> 'result';
  v_status text := 'settled';
  v_failures integer := p_job.failures;
  v_crashes integer := p_job.crashes;
  v_interruptions integer := p_job.interruptions;
  v_solo boolean := p_job.solo;
  v_to integer;
  v_run_at bigint;
  v_trail bigint;
begin
  -- What the settlement adds to the three counters, whatever becomes of the job.
  if v_kind = 'retryable' or (v_kind = 'discarded' and (p_what ->> 'failed')::boolean) then v_failures := v_failures + 1; end if;
  if v_kind = 'interrupted' then v_interruptions := v_interruptions + 1; end if;
  if v_kind = 'crashed' then
    v_crashes := v_crashes + 1;
    v_solo := true;
  end if;
  if v_kind = 'completed' then
    v_to := 4;
    v_reason := null;
  elsif v_kind = 'discarded' then
    v_to := 5;
  elsif v_kind = 'cancelled' then
    v_to := 6;
  elsif p_job.cancel_at is not null then
    v_to := 6;
    v_status := 'cancelled';
    v_reason := coalesce(p_job.cancel_reason, 'cancelled');
  elsif v_kind = 'crashed' and v_crashes >= p_job.max_crashes then
    v_to := 5;
    v_status := 'discarded';
  else
    v_to := case when v_kind = 'retryable' then 3 when v_kind = 'snoozed' and v_delay > 0 then 0 else 1 end;
    if not {schema}.reclaim_key_1(p_job.id, p_job.unique_hash, p_job.unique_states, p_job.unique_until, v_to, p_now) then
      v_to := 6;
      v_status := 'cancelled';
      v_reason := 'unique key is held by another job';
    end if;
  end if;
  v_trail := {schema}.note_1(
    p_job.id, p_job.trail, p_now, 2, v_to, p_job.attempt, p_worker, null, v_reason, v_error,
    case when v_to >= 4 then
      256 + octet_length(p_job.input) + coalesce(octet_length(p_job.metadata), 0)
      + coalesce(octet_length(v_error), 0) + coalesce(octet_length(v_result), 0)
    end
  );
  if v_to >= 4 then
    update {schema}.job set
      state = v_to, worker = null, cancel_worker = null, finished_at = p_now,
      stopped_at = case when v_to > 4 then p_now end,
      failures = v_failures, crashes = v_crashes, interruptions = v_interruptions,
      result = v_result, reason = v_reason,
      error = case when v_to = 4 then null else coalesce(v_error, error) end, trail = v_trail
    where id = p_job.id;
    -- A key may be held by finished jobs too; one that cannot be had does not change what happened.
    perform {schema}.reclaim_key_1(p_job.id, p_job.unique_hash, p_job.unique_states, p_job.unique_until, v_to, p_now);
    return v_status;
  end if;
  -- Without a delay it keeps its due time and its place.
  v_run_at := coalesce(p_now + v_delay, p_job.run_at);
  update {schema}.job j set
    state = v_to, worker = null, cancel_worker = null,
    waits = case when v_to <> 1 then 0 when v_solo then 2 else 1 end,
    run_at = v_run_at,
    rank = case when v_delay is null then j.rank else j.priority::bigint * coalesce(
      (select q.aging_ms from {schema}.lane l join {schema}.queue q on q.name = l.queue where l.id = j.lane),
      8796093022208) + v_run_at end,
    failures = v_failures, crashes = v_crashes, interruptions = v_interruptions, solo = v_solo,
    reason = v_reason, error = coalesce(v_error, j.error), trail = v_trail
  where j.id = p_job.id;
  return v_status;
end
$$;

-- Settles attempts of one worker, each under its fence: {id, attempt, token, to, result, delayMs, error, reason, failed}.
-- Returns one status for each, in order.
create function {schema}.settle_1(p_worker integer, p_requests jsonb) returns text[]
language plpgsql volatile as $$
declare
  v_now bigint;
  v_request jsonb;
  v_job {schema}.job;
  v_ids uuid[] := array(select (r ->> 'id')::uuid from jsonb_array_elements(p_requests) r);
  v_statuses text[] := '{}';
begin
  -- Keys before jobs, each in one order.
  perform 1 from {schema}.hold h
  where h.hash = any (array(select j.unique_hash from {schema}.job j where j.id = any (v_ids) and j.unique_hash is not null))
  order by h.hash for update;
  perform 1 from {schema}.job j where j.id = any (v_ids) and j.state = 2 order by j.id for no key update;
  v_now := {schema}.clock_ms();
  for v_request in select r from jsonb_array_elements(p_requests) r loop
    select * into v_job from {schema}.job j
    where j.id = (v_request ->> 'id')::uuid and j.state = 2 and j.attempt = (v_request ->> 'attempt')::integer
      and j.token = (v_request ->> 'token')::bigint
    for no key update;
    if found then
      v_statuses := v_statuses || {schema}.settle_one_1(p_worker, v_job, v_now, v_request);
    else
      v_statuses := v_statuses || {schema}.why_not_1(
        p_worker, (v_request ->> 'id')::uuid, (v_request ->> 'attempt')::integer, (v_request ->> 'token')::bigint);
    end if;
  end loop;
  return v_statuses;
end
$$;

-- Claims those of these jobs, in this order, that wait for a slot and that nobody else has locked: for jobs that must be
-- looked at one by one. One that is expired or has lost its key is ended instead, and returned as such.
create function {schema}.claim_1(p_worker integer, p_worker_token bigint, p_token bigint, p_ids uuid[], p_most integer)
returns table (job_id uuid, ended_state smallint)
language plpgsql volatile as $$
declare
  v_now bigint := {schema}.clock_ms();
  v_id uuid;
  v_job {schema}.job;
  v_seq bigint;
  v_jobs uuid[] := '{}';
  v_prevs bigint[] := '{}';
  v_attempts integer[] := '{}';
begin
  if not exists (
    select from {schema}.worker w
    where w.ref = p_worker and w.token = p_worker_token and w.ended_at is null and w.lease_until > v_now
  ) then return; end if;
  foreach v_id in array p_ids loop
    exit when cardinality(v_jobs) >= p_most;
    -- The key before the job. One that another has locked can wait for the next claim.
    perform 1 from {schema}.hold h
    where h.hash = (select j.unique_hash from {schema}.job j where j.id = v_id) for update skip locked;
    if not found and exists (
      select from {schema}.job j join {schema}.hold h on h.hash = j.unique_hash where j.id = v_id
    ) then continue; end if;
    select * into v_job from {schema}.job j
    where j.id = v_id and j.waits in (1, 2) for no key update skip locked;
    if not found then continue; end if;
    job_id := v_id;
    ended_state := null;
    if v_job.attempt = 0 and v_job.expires_at <= v_now then
      ended_state := 5;
      perform {schema}.end_job_1(
        v_job, 5, v_now, v_job.crashes, v_job.interruptions, null, null, 'expired');
    -- A key that is held while running but not while waiting is taken now.
    elsif (v_job.unique_states::integer & 4) <> 0 and (v_job.unique_states::integer & 2) = 0 and not {schema}.reclaim_key_1(
      v_id, v_job.unique_hash, v_job.unique_states, v_job.unique_until, 2, v_now
    ) then
      ended_state := 6;
      perform {schema}.end_job_1(
        v_job, 6, v_now, v_job.crashes, v_job.interruptions, null, null, 'unique key is held by another job');
    else
      v_seq := coalesce(v_seq, {schema}.draw_1());
      update {schema}.job set
        state = 2, waits = null, attempt = attempt + 1, worker = p_worker, token = p_token, started_at = v_now,
        trail = v_seq * 1024 + cardinality(v_jobs)
      where id = v_id;
      v_jobs := v_jobs || v_id;
      v_prevs := v_prevs || v_job.trail;
      v_attempts := v_attempts || (v_job.attempt + 1);
    end if;
    return next;
  end loop;
  if v_seq is not null then
    insert into {schema}.trail (seq, at, from_state, to_state, worker, jobs, prevs, attempts)
    values (v_seq, v_now, 1, 2, p_worker, v_jobs, v_prevs, v_attempts);
    insert into {schema}.claim (worker, seq, token, at, jobs) values (p_worker, v_seq, p_token, v_now, v_jobs);
  end if;
end
$$;

-- Makes jobs of these lanes available whose time has come, at most p_most of each lane. Returns those that lost their
-- unique key to another job and were cancelled.
create function {schema}.promote_1(p_lanes integer[], p_most integer) returns table (job_id uuid, lane integer)
language plpgsql volatile as $$
declare
  v_now bigint := {schema}.clock_ms();
  v_from integer;
  v_seq bigint;
  v_jobs uuid[];
  v_prevs bigint[];
  v_attempts integer[];
  v_due record;
  v_job {schema}.job;
  v_trail bigint;
begin
  foreach v_from in array array[0, 3] loop
    select array_agg(d.id), array_agg(d.trail), array_agg(d.attempt) into v_jobs, v_prevs, v_attempts
    from (
      select j.id, j.trail, j.attempt
      from unnest(p_lanes) l (id)
      cross join lateral (
        select d.id, d.trail, d.attempt from {schema}.job d
        where d.lane = l.id and d.waits = 0 and d.run_at <= v_now and d.state = v_from and d.unique_hash is null
        order by d.run_at, d.id limit least(p_most, 1024) for no key update skip locked
      ) j
      limit 1024
    ) d;
    if v_jobs is null then continue; end if;
    v_seq := {schema}.draw_1();
    update {schema}.job j set state = 1, waits = case when j.solo then 2 else 1 end, trail = v_seq * 1024 + k.n - 1
    from unnest(v_jobs) with ordinality k (id, n) where j.id = k.id;
    insert into {schema}.trail (seq, at, from_state, to_state, jobs, prevs, attempts)
    values (v_seq, v_now, v_from, 1, v_jobs, v_prevs, v_attempts);
  end loop;
  -- Those with a key one by one, the keys first and in one order.
  for v_due in
    select j.id, j.unique_hash
    from unnest(p_lanes) l (id)
    cross join lateral (
      select d.id, d.unique_hash from {schema}.job d
      where d.lane = l.id and d.waits = 0 and d.run_at <= v_now and d.unique_hash is not null
      order by d.run_at, d.id limit p_most
    ) j
    order by j.unique_hash
  loop
    perform 1 from {schema}.hold h where h.hash = v_due.unique_hash for update skip locked;
    if not found and exists (select from {schema}.hold h where h.hash = v_due.unique_hash) then continue; end if;
    select * into v_job from {schema}.job j
    where j.id = v_due.id and j.waits = 0 and j.run_at <= v_now for no key update skip locked;
    if not found then continue; end if;
    if {schema}.reclaim_key_1(v_job.id, v_job.unique_hash, v_job.unique_states, v_job.unique_until, 1, v_now) then
      v_trail := {schema}.note_1(
        v_job.id, v_job.trail, v_now, v_job.state, 1, v_job.attempt, null, null, null, null, null);
      update {schema}.job j set state = 1, waits = case when j.solo then 2 else 1 end, trail = v_trail where j.id = v_job.id;
    else
      perform {schema}.end_job_1(
        v_job, 6, v_now, v_job.crashes, v_job.interruptions, null, null, 'unique key is held by another job');
      job_id := v_job.id;
      lane := v_job.lane;
      return next;
    end if;
  end loop;
end
$$;

-- Takes up to p_most running jobs from a worker, whose row says already that it ended or has another owner: they wait
-- again in the place they had, unless a cancel was requested, the crash budget is spent or another job holds their key.
create function {schema}.hand_back_1(p_worker integer, p_crash boolean, p_actor text, p_reason text, p_most integer)
returns table (job_id uuid, lane integer, attempt integer, crashes integer, state smallint)
language plpgsql volatile as $$
declare
  v_now bigint;
  v_seqs bigint[] := array(select c.seq from {schema}.claim c where c.worker = p_worker);
  v_ids uuid[] := array(
    select j.id
    from (select distinct unnest(c.jobs) as id from {schema}.claim c where c.worker = p_worker and c.seq = any (v_seqs)) u
    join {schema}.job j on j.id = u.id
    where j.state = 2 and j.worker = p_worker
    order by j.id limit p_most
  );
  v_id uuid;
  v_job {schema}.job;
  v_interruptions integer;
  v_trail bigint;
  v_reason text;
begin
  perform 1 from {schema}.hold h
  where h.hash = any (array(select j.unique_hash from {schema}.job j where j.id = any (v_ids) and j.unique_hash is not null))
  order by h.hash for update;
  perform 1 from {schema}.job j
  where j.id = any (v_ids) and j.state = 2 and j.worker = p_worker order by j.id for no key update;
  v_now := {schema}.clock_ms();
  foreach v_id in array v_ids loop
    select * into v_job from {schema}.job j
    where j.id = v_id and j.state = 2 and j.worker = p_worker for no key update;
    -- Settled in between.
    if not found then continue; end if;
    job_id := v_id;
    lane := v_job.lane;
    attempt := v_job.attempt;
    crashes := v_job.crashes + case when p_crash then 1 else 0 end;
    v_interruptions := v_job.interruptions + case when p_crash then 0 else 1 end;
    state := 1;
    v_reason := p_reason;
    if v_job.cancel_at is not null then
      state := 6;
      v_reason := coalesce(v_job.cancel_reason, 'cancelled');
    elsif p_crash and crashes >= v_job.max_crashes then
      state := 5;
      v_reason := 'crashed';
    elsif not {schema}.reclaim_key_1(v_id, v_job.unique_hash, v_job.unique_states, v_job.unique_until, 1, v_now) then
      state := 6;
      v_reason := 'unique key is held by another job';
    end if;
    if state > 1 then
      perform {schema}.end_job_1(v_job, state, v_now, crashes, v_interruptions, p_worker, p_actor, v_reason);
    else
      v_trail := {schema}.note_1(
        v_id, v_job.trail, v_now, 2, 1, v_job.attempt, p_worker, p_actor, v_reason, null, null);
      update {schema}.job j set
        state = 1, waits = case when p_crash or j.solo then 2 else 1 end, worker = null, cancel_worker = null, token = null,
        crashes = hand_back_1.crashes, interruptions = v_interruptions, solo = p_crash or j.solo, cancel_at = null,
        cancel_reason = null, cancel_by = null, reason = v_reason, trail = v_trail
      where j.id = v_id;
    end if;
    return next;
  end loop;
  -- Only what was looked through: a claim that commits now is found by the next rescue.
  if cardinality(v_ids) < p_most then
    delete from {schema}.claim c where c.worker = p_worker and c.seq = any (v_seqs);
  end if;
end
$$;
