-- New jobs: our own enqueues and those inside of users' transactions.

-- Writes one new job. p_due overrides what it says. Returns its state, or null when its id is there already.
create function {schema}.add_job_1(p_new jsonb, p_now bigint, p_due bigint) returns smallint
language plpgsql volatile as $$
declare
  v_run_at bigint := coalesce(p_due, (p_new ->> 'runAt')::bigint, p_now + (p_new ->> 'delayMs')::bigint);
  v_order_at bigint := greatest(v_run_at, p_now);
  v_state smallint := case when v_run_at <= p_now then 1 else 0 end;
  v_seq bigint := {schema}.draw_1();
  v_key jsonb := nullif(p_new -> 'unique', 'null');
  v_hash bytea := decode(v_key ->> 'hash', 'hex');
begin
  insert into {schema}.job (
    id, rank, run_at, enqueued_at, trail, expires_at, unique_until, timeout_ms, lane, max_attempts, max_crashes, state,
    waits, priority, unique_states, input, tags, metadata, retry, unique_hash, unique_label
  ) values (
    (p_new ->> 'id')::uuid,
    (p_new ->> 'priority')::bigint
      * coalesce((select q.aging_ms from {schema}.queue q where q.name = p_new ->> 'queue'), 8796093022208) + v_order_at,
    v_run_at, p_now, v_seq * 1024, v_order_at + (p_new ->> 'expireMs')::bigint,
    p_now + (v_key ->> 'forMs')::bigint, (p_new ->> 'timeoutMs')::bigint,
    {schema}.lane_1(p_new ->> 'queue', p_new ->> 'kind'),
    (p_new ->> 'maxAttempts')::integer, (p_new ->> 'maxCrashes')::integer, v_state, v_state,
    (p_new ->> 'priority')::smallint, (v_key ->> 'states')::smallint, p_new ->> 'input', p_new ->> 'tags',
    p_new ->> 'metadata', p_new ->> 'retry', v_hash, v_key ->> 'label'
  ) on conflict (id) do nothing;
  if not found then return null; end if;
  insert into {schema}.trail (seq, at, to_state, jobs) values (v_seq, p_now, v_state, array[(p_new ->> 'id')::uuid]);
  return v_state;
end
$$;

-- Lets a waiting job, which is locked, take over a newer enqueue. p_due null leaves its due time. Returns its state.
create function {schema}.fold_1(p_new jsonb, p_now bigint, p_job {schema}.job, p_due bigint) returns smallint
language plpgsql volatile as $$
declare
  v_key jsonb := p_new -> 'unique';
  v_run_at bigint := coalesce(p_due, p_job.run_at);
  v_order_at bigint := greatest(v_run_at, p_job.enqueued_at);
  v_state smallint := p_job.state;
  v_trail bigint;
begin
  if p_due is not null then
    -- A job that failed before keeps saying so while it waits.
    v_state := case when v_run_at <= p_now then 1 when p_job.state = 3 then 3 else 0 end;
  end if;
  v_trail := {schema}.note_1(
    p_job.id, p_job.trail, p_now, p_job.state, v_state, p_job.attempt, null, 'unique',
    'replaced by enqueue ' || (p_new ->> 'id'), null, null
  );
  update {schema}.job set
    lane = {schema}.lane_1(p_new ->> 'queue', p_new ->> 'kind'),
    state = v_state,
    waits = case when v_state <> 1 then 0 when solo then 2 else 1 end,
    rank = (p_new ->> 'priority')::bigint
      * coalesce((select q.aging_ms from {schema}.queue q where q.name = p_new ->> 'queue'), 8796093022208) + v_order_at,
    run_at = v_run_at,
    priority = (p_new ->> 'priority')::smallint,
    max_attempts = (p_new ->> 'maxAttempts')::integer,
    max_crashes = (p_new ->> 'maxCrashes')::integer,
    expires_at = v_order_at + (p_new ->> 'expireMs')::bigint,
    timeout_ms = (p_new ->> 'timeoutMs')::bigint,
    input = p_new ->> 'input',
    tags = p_new ->> 'tags',
    metadata = p_new ->> 'metadata',
    retry = p_new ->> 'retry',
    unique_states = (v_key ->> 'states')::smallint,
    unique_until = p_now + (v_key ->> 'forMs')::bigint,
    trail = v_trail
  where id = p_job.id;
  update {schema}.hold set folded = (p_new ->> 'id')::uuid where hash = decode(v_key ->> 'hash', 'hex');
  return v_state;
end
$$;

-- Enqueues one job with a unique key, whose row in hold is there and locked. The caller has looked for the job's id.
create function {schema}.enqueue_unique_1(
  p_new jsonb, p_now bigint, out id uuid, out status text, out state smallint
)
language plpgsql volatile as $$
declare
  v_key jsonb := p_new -> 'unique';
  v_mode text := v_key ->> 'mode';
  v_for bigint := (v_key ->> 'forMs')::bigint;
  v_hold {schema}.hold;
  v_job {schema}.job;
  v_due bigint;
begin
  id := (p_new ->> 'id')::uuid;
  status := 'enqueued';
  select * into strict v_hold from {schema}.hold h where h.hash = decode(v_key ->> 'hash', 'hex') for update;
  if v_mode = 'throttle' then
    if v_hold.window_job is not null then
      select * into v_job from {schema}.job j
      where j.id = v_hold.window_job and j.waits is not null for no key update;
      if found then
        id := v_job.id;
        status := 'replaced';
        state := v_job.state;
        -- The same enqueue again, after its reply was lost: it is in there already.
        if v_hold.folded is distinct from (p_new ->> 'id')::uuid then
          state := {schema}.fold_1(p_new, p_now, v_job, null);
        end if;
        return;
      end if;
    end if;
    -- The job that ran when the window ended was the first of the window after it.
    v_due := v_hold.window_until + case when v_hold.window_job is null then 0 else v_for end;
    if v_due is null or p_now >= v_due then
      state := {schema}.add_job_1(p_new, p_now, null);
      if state is not null then
        update {schema}.hold h set job = enqueue_unique_1.id, folded = null, window_until = p_now + v_for, window_job = null
        where h.hash = v_hold.hash;
      end if;
    else
      state := {schema}.add_job_1(p_new, p_now, v_due);
      if state is not null then
        update {schema}.hold h set folded = null, window_until = v_due, window_job = enqueue_unique_1.id
        where h.hash = v_hold.hash;
      end if;
    end if;
    return;
  end if;
  select * into v_job from {schema}.job j where j.id = v_hold.job;
  if not found or not {schema}.holds_1(v_job.unique_states, v_job.unique_until, v_job.state, p_now) then
    state := {schema}.add_job_1(p_new, p_now, null);
    if state is not null then
      update {schema}.hold h set job = enqueue_unique_1.id, folded = null, window_until = null, window_job = null
      where h.hash = v_hold.hash;
    end if;
    return;
  end if;
  id := v_job.id;
  state := v_job.state;
  status := 'duplicate';
  if v_mode = 'skip' then return; end if;
  if v_hold.folded = (p_new ->> 'id')::uuid then
    status := 'replaced';
    return;
  end if;
  select * into v_job from {schema}.job j where j.id = v_hold.job and j.waits is not null for no key update;
  -- Claimed in between, or it runs: the key is held, but nothing waits that could take the enqueue over.
  if not found then
    select j.state into state from {schema}.job j where j.id = v_hold.job;
    return;
  end if;
  v_due := coalesce((p_new ->> 'runAt')::bigint, p_now + nullif((p_new ->> 'delayMs')::bigint, 0));
  if v_mode = 'debounce' then
    v_due := least(coalesce(v_due, p_now), v_job.enqueued_at + (v_key ->> 'maxWaitMs')::bigint);
  end if;
  status := 'replaced';
  state := {schema}.fold_1(p_new, p_now, v_job, v_due);
end
$$;

-- Enqueues jobs as store/newJob.ts describes them, in order, all or none: the hash of a key in hex, its states as bits,
-- a timeout of false as 0. Two of one call with the same id or key meet as if they had come one after the other.
create function {schema}.enqueue_1(p_jobs jsonb) returns table (id uuid, status text, state smallint)
language plpgsql volatile as $$
declare
  v_now bigint;
  v_new jsonb;
  v_hashes bytea[];
begin
  select array_agg(k.hash order by k.hash) into v_hashes
  from (
    select distinct decode(e #>> '{unique,hash}', 'hex') as hash
    from jsonb_array_elements(p_jobs) e
    where e #>> '{unique,hash}' is not null
  ) k;
  if v_hashes is not null then
    -- All keys first and in one order, then the jobs that have them, so that two calls never wait for each other.
    insert into {schema}.hold (hash) select k from unnest(v_hashes) k on conflict do nothing;
    perform 1 from {schema}.hold h where h.hash = any (v_hashes) order by h.hash for update;
    perform 1 from {schema}.job j
    where j.waits is not null
      and j.id = any (array(
        select unnest(array[h.job, h.window_job]) from {schema}.hold h where h.hash = any (v_hashes)
      ))
    order by j.id for no key update;
  end if;
  -- Only now: who waited for a key must not decide by the time before.
  v_now := {schema}.clock_ms();
  for v_new in select e from jsonb_array_elements(p_jobs) e loop
    loop
      id := (v_new ->> 'id')::uuid;
      status := 'repeated';
      select j.state into state from {schema}.job j where j.id = enqueue_1.id;
      exit when found;
      if nullif(v_new -> 'unique', 'null') is null then
        status := 'enqueued';
        state := {schema}.add_job_1(v_new, v_now, null);
      else
        select u.id, u.status, u.state into id, status, state from {schema}.enqueue_unique_1(v_new, v_now) u;
      end if;
      -- null: the same id was added in between by another call.
      exit when state is not null;
    end loop;
    return next;
  end loop;
  if v_hashes is not null then
    delete from {schema}.hold h where h.hash = any (v_hashes) and h.job is null and h.window_job is null;
  end if;
end
$$;
