// Made by `npm run sqlgen` from ../migrations/*.sql, where the comments are. Do not edit.

export const migrations = [
  {
    number: 1,
    name: "jobs",
    sql: `create table {schema}.lane (
  id integer generated always as identity primary key,
  queue text not null,
  kind text not null,
  unique (queue, kind)
);
create sequence {schema}.trail_seq;
create table {schema}.job (
  id uuid primary key,
  rank bigint not null,
  run_at bigint not null,
  enqueued_at bigint not null,
  trail bigint not null,
  token bigint,
  started_at bigint,
  finished_at bigint,
  expires_at bigint,
  unique_until bigint,
  cancel_at bigint,
  stopped_at bigint,
  timeout_ms bigint,
  lane integer not null,
  attempt integer not null default 0,
  worker integer,
  cancel_worker integer,
  failures integer not null default 0,
  crashes integer not null default 0,
  interruptions integer not null default 0,
  max_attempts integer not null,
  max_crashes integer not null,
  state smallint not null check (state between 0 and 6),
  waits smallint,
  priority smallint not null,
  unique_states smallint,
  solo boolean not null default false,
  input text not null,
  tags text,
  metadata text,
  retry text,
  result text,
  reason text,
  error text,
  cancel_reason text,
  cancel_by text,
  unique_hash bytea,
  unique_label text,
  check ((state in (0, 1, 3)) = (waits is not null)),
  check ((state = 2) = (worker is not null)),
  check ((state >= 4) = (finished_at is not null))
) with (
  fillfactor = 60,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.05
);
create index job_ready on {schema}.job (lane, rank, id) where waits = 1;
create index job_solo on {schema}.job (lane, rank, id) where waits = 2;
create index job_due on {schema}.job (lane, run_at, id) where waits = 0;
create index job_expiry on {schema}.job (expires_at)
where waits is not null and attempt = 0 and expires_at is not null;
create index job_cancelled on {schema}.job (cancel_worker) where cancel_worker is not null;
create index job_stopped on {schema}.job (stopped_at) where stopped_at is not null;
create index job_key on {schema}.job (unique_label) where unique_label is not null;
create table {schema}.claim (
  worker integer not null,
  seq bigint not null,
  token bigint not null,
  at bigint not null,
  jobs uuid[] not null,
  primary key (worker, seq)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);
create table {schema}.trail (
  seq bigint primary key,
  at bigint not null,
  from_state smallint,
  to_state smallint not null,
  worker integer,
  actor text,
  jobs uuid[] not null,
  prevs bigint[],
  attempts integer[],
  reasons text[],
  errors text[],
  bytes bigint
);
create index trail_ended on {schema}.trail (to_state, at, seq) where to_state >= 4;
create function {schema}.refuse_update() returns trigger
language plpgsql as $$
begin
  raise exception '%.% is append-only', tg_table_schema, tg_table_name;
end
$$;
create trigger trail_is_append_only
before update of seq, at, from_state, to_state, worker, actor, jobs, prevs, attempts, reasons, errors on {schema}.trail
for each row execute function {schema}.refuse_update();
create table {schema}.worker (
  ref integer generated always as identity primary key,
  id text not null,
  token bigint not null,
  host text not null,
  pid integer not null,
  started_at bigint not null,
  beat_at bigint not null,
  lease_until bigint not null,
  info text not null,
  ended_at bigint,
  end_reason text
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500
);
create unique index worker_live on {schema}.worker (id) where ended_at is null;
create table {schema}.queue (
  name text primary key,
  paused_at bigint,
  slots integer,
  aging_ms bigint,
  aged_at bigint,
  updated_at bigint not null,
  updated_by text not null
);
create table {schema}.hold (
  hash bytea primary key,
  job uuid,
  folded uuid,
  window_until bigint,
  window_job uuid
);
create table {schema}.progress (
  job uuid primary key,
  at bigint not null,
  value text not null
) with (fillfactor = 70);
create table {schema}.log (
  seq bigint generated always as identity primary key,
  job uuid not null,
  attempt integer not null,
  at bigint not null,
  level text not null,
  message text not null,
  fields text
);
create index log_job on {schema}.log (job, seq);
create table {schema}.log_count (
  job uuid primary key,
  kept integer not null,
  bytes integer not null,
  dropped bigint not null
);
create table {schema}.meta (
  key text primary key,
  value text not null
);
create view {schema}.jobs as
select
  j.id,
  l.kind,
  l.queue,
  (array['scheduled', 'available', 'running', 'retryable', 'completed', 'discarded', 'cancelled'])[j.state + 1] as state,
  j.priority,
  j.attempt,
  j.failures,
  j.crashes,
  j.interruptions,
  w.id as worker,
  to_timestamp(j.enqueued_at / 1000.0) as enqueued_at,
  to_timestamp(j.run_at / 1000.0) as run_at,
  to_timestamp(j.started_at / 1000.0) as started_at,
  to_timestamp(j.finished_at / 1000.0) as finished_at,
  j.input,
  j.result,
  j.reason,
  j.error,
  j.tags,
  j.metadata,
  j.unique_label as unique_key
from {schema}.job j
join {schema}.lane l on l.id = j.lane
left join {schema}.worker w on w.ref = j.worker;
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
create function {schema}.clock_ms() returns bigint
language sql volatile as $$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint
$$;
create function {schema}.draw_1() returns bigint
language plpgsql volatile as $$
begin
  lock table {schema}.trail in row exclusive mode;
  return nextval('{schema}.trail_seq');
end
$$;
create function {schema}.holds_1(states smallint, until bigint, state integer, at bigint) returns boolean
language sql immutable as $$
  select (coalesce(states, 0)::integer & (1 << state)) <> 0 and (until is null or until > at)
$$;
create function {schema}.lane_1(p_queue text, p_kind text) returns integer
language plpgsql volatile as $$
declare
  v_lane integer;
begin
  loop
    select l.id into v_lane from {schema}.lane l where l.queue = p_queue and l.kind = p_kind;
    if found then return v_lane; end if;
    insert into {schema}.lane (queue, kind) values (p_queue, p_kind) on conflict do nothing;
  end loop;
end
$$;
create function {schema}.note_1(
  p_job uuid, p_prev bigint, p_at bigint, p_from integer, p_to integer, p_attempt integer, p_worker integer,
  p_actor text, p_reason text, p_error text, p_bytes bigint
) returns bigint
language plpgsql volatile as $$
declare
  v_seq bigint := {schema}.draw_1();
begin
  insert into {schema}.trail (seq, at, from_state, to_state, worker, actor, jobs, prevs, attempts, reasons, errors, bytes)
  values (
    v_seq, p_at, p_from, p_to, p_worker, p_actor, array[p_job],
    case when p_prev is not null then array[p_prev] end,
    case when p_attempt > 0 then array[p_attempt] end,
    case when p_reason is not null then array[p_reason] end,
    case when p_error is not null then array[p_error] end,
    p_bytes
  );
  return v_seq * 1024;
end
$$;
create function {schema}.reclaim_key_1(
  p_job uuid, p_hash bytea, p_states smallint, p_until bigint, p_to integer, p_now bigint
) returns boolean
language plpgsql volatile as $$
declare
  v_job uuid;
  v_window_job uuid;
  v_held boolean;
begin
  if p_hash is null or not {schema}.holds_1(p_states, p_until, p_to, p_now) then return true; end if;
  loop
    select h.job, h.window_job into v_job, v_window_job from {schema}.hold h where h.hash = p_hash for update;
    if found then exit; end if;
    insert into {schema}.hold (hash, job) values (p_hash, p_job) on conflict do nothing;
    if found then return true; end if;
  end loop;
  if v_job = p_job or v_window_job = p_job then return true; end if;
  select {schema}.holds_1(j.unique_states, j.unique_until, j.state, p_now) into v_held
  from {schema}.job j where j.id = v_job;
  if v_held then return false; end if;
  update {schema}.hold set job = p_job where hash = p_hash;
  return true;
end
$$;
create function {schema}.end_job_1(
  p_job {schema}.job, p_to integer, p_now bigint, p_crashes integer, p_interruptions integer, p_worker integer,
  p_actor text, p_reason text
) returns void
language plpgsql volatile as $$
declare
  v_trail bigint;
begin
  v_trail := {schema}.note_1(
    p_job.id, p_job.trail, p_now, p_job.state, p_to, p_job.attempt, p_worker, p_actor, p_reason, null,
    256 + octet_length(p_job.input) + coalesce(octet_length(p_job.metadata), 0) + coalesce(octet_length(p_job.error), 0)
  );
  update {schema}.job set
    state = p_to, waits = null, worker = null, cancel_worker = null, token = null, crashes = p_crashes,
    interruptions = p_interruptions, finished_at = p_now, stopped_at = p_now, expires_at = null, reason = p_reason,
    trail = v_trail
  where id = p_job.id;
end
$$;
create function {schema}.job_bytes_1(p_job {schema}.job) returns bigint
language sql immutable as $$
  select 256 + octet_length(p_job.input)::bigint + coalesce(octet_length(p_job.metadata), 0)
    + coalesce(octet_length(case when p_job.state = 4 then p_job.result else p_job.error end), 0)
$$;
create function {schema}.act_1(p_action text, p_id uuid, p_actor text, p_reason text) returns text
language plpgsql volatile as $$
declare
  v_job {schema}.job;
  v_now bigint := {schema}.clock_ms();
  v_trail bigint;
begin
  select * into v_job from {schema}.job j where j.id = p_id for no key update;
  if not found then return null; end if;
  if p_action in ('cancel', 'discard') and v_job.state in (0, 1, 3) then
    perform {schema}.end_job_1(
      v_job, case p_action when 'cancel' then 6 else 5 end, v_now, v_job.crashes, v_job.interruptions, null, p_actor,
      p_reason);
    return 'changed';
  end if;
  if p_action = 'cancel' and v_job.state = 2 then
    update {schema}.job set cancel_at = v_now, cancel_reason = p_reason, cancel_by = p_actor, cancel_worker = worker
    where id = p_id and cancel_at is null;
    return 'requested';
  end if;
  if p_action <> 'retry' or v_job.state = 2 then return 'refused'; end if;
  -- Another job took its place in the meantime; both at once is what the key forbids.
  if not {schema}.reclaim_key_1(p_id, v_job.unique_hash, v_job.unique_states, v_job.unique_until, 1, v_now) then
    return 'refused';
  end if;
  if v_job.state >= 4 then
    update {schema}.trail set bytes = greatest(0, bytes - {schema}.job_bytes_1(v_job)) where seq = v_job.trail / 1024;
  end if;
  v_trail := {schema}.note_1(
    p_id, v_job.trail, v_now, v_job.state, 1, v_job.attempt, null, p_actor, p_reason, null, null);
  update {schema}.job j set
    state = 1, solo = j.crashes > 0, waits = case when j.crashes > 0 then 2 else 1 end, run_at = v_now, token = null,
    expires_at = null,
    rank = j.priority::bigint * coalesce(
      (select q.aging_ms from {schema}.lane l join {schema}.queue q on q.name = l.queue where l.id = j.lane),
      8796093022208) + v_now,
    max_attempts = greatest(j.max_attempts, j.failures + 1), max_crashes = greatest(j.max_crashes, j.crashes + 1),
    finished_at = null, stopped_at = null, cancel_at = null, cancel_reason = null, cancel_by = null, result = null,
    reason = null, error = null, trail = v_trail
  where j.id = p_id;
  return 'changed';
end
$$;
create function {schema}.delete_jobs_1(p_ids uuid[]) returns setof uuid
language plpgsql volatile as $$
declare
  v_ids uuid[];
  v_seqs bigint[];
begin
  select array_agg(j.id) into v_ids from {schema}.job j where j.id = any (p_ids) and j.state <> 2;
  if v_ids is null then return; end if;
  with recursive chain (n) as (
    select j.trail from {schema}.job j where j.id = any (v_ids)
    union
    select t.prevs[(c.n % 1024) + 1]
    from chain c
    join {schema}.trail t on t.seq = c.n / 1024
    where t.prevs[(c.n % 1024) + 1] is not null
  )
  select array_agg(distinct n / 1024) into v_seqs from chain;
  -- Rows that others share stay, and count these jobs no longer.
  update {schema}.trail t set bytes = greatest(0, t.bytes - s.bytes)
  from (
    select j.trail / 1024 as seq, sum({schema}.job_bytes_1(j)) as bytes
    from {schema}.job j
    where j.id = any (v_ids) and j.state >= 4
    group by 1
  ) s
  where t.seq = s.seq and not t.jobs <@ v_ids;
  delete from {schema}.log l where l.job = any (v_ids);
  delete from {schema}.log_count l where l.job = any (v_ids);
  delete from {schema}.progress p where p.job = any (v_ids);
  -- A key that another job took over stays, and so does a throttle whose window is open.
  delete from {schema}.hold h using {schema}.job j
  where j.id = any (v_ids) and h.hash = j.unique_hash and (h.job = j.id or h.window_job = j.id)
    and (h.window_until is null or h.window_until <= {schema}.clock_ms());
  delete from {schema}.job j where j.id = any (v_ids);
  delete from {schema}.trail t
  where t.seq = any (v_seqs) and not exists (select from {schema}.job j where j.id = any (t.jobs));
  return query select unnest(v_ids);
end
$$;
create function {schema}.expire_1(p_most integer) returns table (id uuid, lane integer)
language plpgsql volatile as $$
declare
  v_job {schema}.job;
  v_now bigint := {schema}.clock_ms();
begin
  for v_job in
    select j.* from {schema}.job j
    where j.waits is not null and j.attempt = 0 and j.expires_at is not null and j.expires_at < v_now
    order by j.expires_at
    limit p_most
    for no key update skip locked
  loop
    perform {schema}.end_job_1(
      v_job, 5, v_now, v_job.crashes, v_job.interruptions, null, 'sweep', 'expired');
    id := v_job.id;
    lane := v_job.lane;
    return next;
  end loop;
end
$$;
create function {schema}.duration_ms(p_value jsonb, p_name text) returns bigint
language plpgsql immutable as $$
declare
  v_text text := p_value #>> '{}';
  v_ms numeric;
begin
  if jsonb_typeof(p_value) = 'number' then
    v_ms := v_text::numeric;
  elsif jsonb_typeof(p_value) = 'string' and v_text ~ '^(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+$' then
    select sum(m[1]::numeric * case m[3]
      when 'ms' then 1 when 's' then 1000 when 'm' then 60000 when 'h' then 3600000
      when 'd' then 86400000 else 604800000 end)
    into v_ms from regexp_matches(v_text, '(\\d+(\\.\\d+)?)(ms|s|m|h|d|w)', 'g') m;
  end if;
  if v_ms is null or v_ms < 0 or v_ms > 3155760000000 then
    raise exception 'drover.enqueue: %: % is not a duration', p_name, p_value
      using errcode = '22023', hint = 'Give milliseconds as a number, or a text such as 250ms, 5m or 1h30m.';
  end if;
  return ceil(v_ms);
end
$$;
create function {schema}.whole_number(p_value jsonb, p_name text, p_least bigint, p_most bigint) returns bigint
language plpgsql immutable as $$
begin
  if jsonb_typeof(p_value) = 'number' and (p_value #>> '{}')::numeric between p_least and p_most
    and (p_value #>> '{}')::numeric % 1 = 0
  then return (p_value #>> '{}')::numeric; end if;
  raise exception 'drover.enqueue: %: % is not a whole number from % to %', p_name, p_value, p_least, p_most
    using errcode = '22023';
end
$$;
create function {schema}.check_payload(p_value jsonb, p_name text, p_most_bytes integer) returns text
language plpgsql immutable as $$
declare
  v_why text;
begin
  if octet_length(p_value::text) > p_most_bytes then
    v_why := format('has %s bytes; at most %s are stored', octet_length(p_value::text), p_most_bytes);
  elsif jsonb_path_exists(p_value, 'strict $.**{65}') then
    v_why := 'is nested too deeply; at most 64 levels are stored';
  elsif jsonb_path_exists(p_value, 'strict $.**.__proto__') then
    v_why := 'has a key named __proto__';
  elsif jsonb_path_exists(p_value,
    'strict $.** ? (@.type() == "number" && (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))')
  then
    v_why := 'has a number that is too large for other languages';
  end if;
  if v_why is not null then
    raise exception 'drover.enqueue: % %', p_name, v_why using errcode = '22023';
  end if;
  return p_value::text;
end
$$;
create function {schema}.check_name(p_value text, p_name text) returns text
language plpgsql immutable as $$
begin
  if p_value ~ '^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}$' then return p_value; end if;
  raise exception 'drover.enqueue: %: % is not a name', p_name, coalesce(quote_literal(p_value), 'null')
    using errcode = '22023', hint = 'Use 1 to 100 letters, digits and _ . : / -, beginning with a letter or a digit.';
end
$$;
create function {schema}.check_tags(p_tags jsonb) returns text
language plpgsql immutable as $$
declare
  v_tags jsonb;
begin
  if p_tags is null then return null; end if;
  if jsonb_typeof(p_tags) <> 'array' or exists (
    select from jsonb_array_elements(p_tags) t
    where jsonb_typeof(t) <> 'string' or (t #>> '{}') !~ '^[[:alnum:]_][[:alnum:]_.:/@=+-]{0,99}$'
  ) then
    raise exception 'drover.enqueue: tags: % is not a list of tags', p_tags
      using errcode = '22023', hint = 'A tag has 1 to 100 letters, digits and _ . : / @ = + -.';
  end if;
  select jsonb_agg(d.tag order by d.n) into v_tags
  from (select t as tag, min(n) as n from jsonb_array_elements(p_tags) with ordinality e (t, n) group by t) d;
  if jsonb_array_length(v_tags) > 20 then
    raise exception 'drover.enqueue: tags: % tags are too many; at most 20', jsonb_array_length(v_tags)
      using errcode = '22023';
  end if;
  return replace(v_tags::text, '", "', '","');
end
$$;
create function {schema}.unique_key(p_given jsonb, p_kind text, p_is_delayed boolean) returns jsonb
language plpgsql immutable as $$
declare
  v_key jsonb := case when jsonb_typeof(p_given) = 'string' then jsonb_build_object('key', p_given) else p_given end;
  v_mode text;
  v_for bigint;
  v_states integer;
  v_state text;
  v_names text[] := array['scheduled', 'available', 'running', 'retryable', 'completed', 'discarded', 'cancelled'];
  v_wrong text;
begin
  if jsonb_typeof(v_key) <> 'object' then v_wrong := 'must be a text or an object'; end if;
  if v_wrong is null then
    select format('%s is no option', k) into v_wrong from jsonb_object_keys(v_key) k
    where k not in ('key', 'scope', 'for', 'mode', 'states', 'maxWait') limit 1;
  end if;
  if v_wrong is null and (
    jsonb_typeof(v_key -> 'key') is distinct from 'string' or length(v_key ->> 'key') not between 1 and 1000
  ) then v_wrong := 'key must be a text of 1 to 1000 characters'; end if;
  if v_wrong is null and v_key ? 'scope' and (
    jsonb_typeof(v_key -> 'scope') <> 'string' or length(v_key ->> 'scope') not between 1 and 1000
  ) then v_wrong := 'scope must be a text of 1 to 1000 characters'; end if;
  v_mode := coalesce(v_key ->> 'mode', 'skip');
  if v_wrong is null and v_mode not in ('skip', 'replace', 'debounce', 'throttle') then
    v_wrong := 'mode must be one of skip, replace, debounce, throttle';
  end if;
  if v_wrong is null and v_key ? 'for' then
    v_for := {schema}.duration_ms(v_key -> 'for', 'unique.for');
    if v_for = 0 then v_wrong := 'for must be longer than 0'; end if;
  end if;
  if v_wrong is null and v_mode = 'throttle' and v_for is null then
    v_wrong := 'for is needed by throttle: it is the window';
  end if;
  if v_wrong is null and v_mode = 'debounce' and not p_is_delayed then
    v_wrong := 'debounce needs runIn: the quiet time to wait for';
  end if;
  if v_wrong is null and v_mode <> 'debounce' and v_key ? 'maxWait' then v_wrong := 'maxWait belongs to debounce only'; end if;
  if v_wrong is null and v_key ? 'states' then
    v_states := 0;
    if jsonb_typeof(v_key -> 'states') <> 'array' or v_key -> 'states' = '[]' then
      v_wrong := 'states must be a list of at least one state';
    else
      for v_state in select jsonb_array_elements_text(v_key -> 'states') loop
        if array_position(v_names, v_state) is null then v_wrong := 'states must be of ' || array_to_string(v_names, ', '); exit; end if;
        v_states := v_states | (1 << (array_position(v_names, v_state) - 1));
      end loop;
    end if;
  end if;
  if v_wrong is not null then
    raise exception 'drover.enqueue: unique: %', v_wrong using errcode = '22023';
  end if;
  return jsonb_build_object(
    'hash', encode(sha256(
      convert_to(case when v_key ? 'scope' then 'scope' else 'kind' end, 'UTF8') || '\\x00'::bytea
      || convert_to(coalesce(v_key ->> 'scope', p_kind), 'UTF8') || '\\x00'::bytea || convert_to(v_key ->> 'key', 'UTF8')
    ), 'hex'),
    'label', left(v_key ->> 'key', 200),
    'mode', v_mode,
    -- Waiting is 1 + 2 + 8, running 4, completed 16; a throttled job holds nothing: its window does.
    'states', case when v_mode = 'throttle' then 0
      else coalesce(v_states, case when v_mode <> 'skip' then 11 when v_for is null then 15 else 31 end) end,
    'forMs', v_for,
    'maxWaitMs', case when v_key ? 'maxWait' then {schema}.duration_ms(v_key -> 'maxWait', 'unique.maxWait') end
  );
end
$$;
create function {schema}.stored_key(p_key text) returns text
language plpgsql immutable as $$
declare
  v_head text := '';
  v_left integer := 60;
  v_char text;
begin
  if length(p_key) + (select count(*) from regexp_matches(p_key, '[\\U00010000-\\U0010FFFF]', 'g')) <= 100 then return p_key; end if;
  foreach v_char in array regexp_split_to_array(left(p_key, 60), '') loop
    exit when v_left = 0;
    -- Half a character is replaced.
    if ascii(v_char) > 65535 and v_left = 1 then v_char := chr(65533); end if;
    v_head := v_head || v_char;
    v_left := v_left - case when ascii(v_char) > 65535 then 2 else 1 end;
  end loop;
  return v_head || '#' || encode(sha256(convert_to(p_key, 'UTF8')), 'hex');
end
$$;
create function {schema}.check_keys(p_keys jsonb) returns text
language plpgsql immutable as $$
declare
  v_wrong text;
begin
  if p_keys is null or p_keys = '{}' then return null; end if;
  if jsonb_typeof(p_keys) <> 'object' then
    raise exception 'drover.enqueue: keys: % is not an object', p_keys using errcode = '22023';
  end if;
  select format('%s names no keyed limit', quote_literal(e.key)) into v_wrong from jsonb_each(p_keys) e
  where e.key !~ '^(queue|kind):[^#]{1,100}#(concurrency|rate|fair)\\.[A-Za-z0-9_]{1,40}$' limit 1;
  if v_wrong is null then
    select format('the key of %s is not a text of 1 to 1000 characters', e.key) into v_wrong from jsonb_each(p_keys) e
    where jsonb_typeof(e.value) <> 'string' or length(e.value #>> '{}') not between 1 and 1000 limit 1;
  end if;
  if v_wrong is not null then
    raise exception 'drover.enqueue: keys: %', v_wrong using errcode = '22023',
      hint = 'Give the key of each keyed limit by its name, as in {"kind:resize#concurrency.key": "tenant 7"}.';
  end if;
  return (
    select '[' || string_agg(
      '[' || to_json(e.key)::text || ',' || to_json({schema}.stored_key(e.value))::text || ']', ',' order by e.key collate "C"
    ) || ']'
    from jsonb_each_text(p_keys) e);
end
$$;
create function {schema}.new_id() returns uuid
language sql volatile as $$
  select (
    lpad(to_hex({schema}.clock_ms()), 12, '0') || '7' || substr(r.hex, 14)
  )::uuid
  from (select replace(gen_random_uuid()::text, '-', '') as hex) r
$$;
create function {schema}.instant_ms(p_value jsonb, p_name text) returns bigint
language plpgsql stable as $$
begin
  if jsonb_typeof(p_value) = 'number' then return {schema}.whole_number(p_value, p_name, 0, 253402300799999); end if;
  return floor(extract(epoch from (p_value #>> '{}')::timestamptz) * 1000)::bigint;
exception when invalid_datetime_format or datetime_field_overflow or invalid_text_representation then
  raise exception 'drover.enqueue: %: % is not an instant', p_name, p_value
    using errcode = '22023', hint = 'Give milliseconds since 1970 as a number, or a timestamp as a text.';
end
$$;
create function {schema}.enqueue(kind text, args jsonb default '{}', options jsonb default '{}') returns uuid
language plpgsql volatile as $$
declare
  v_options jsonb := coalesce(options, '{}');
  v_unknown text;
  v_id uuid;
  v_run_at bigint;
  v_delay bigint := 0;
begin
  if jsonb_typeof(v_options) <> 'object' then
    raise exception 'drover.enqueue: options must be an object, not %', v_options using errcode = '22023';
  end if;
  -- Given as null is not given.
  v_options := jsonb_strip_nulls(v_options);
  select k into v_unknown from jsonb_object_keys(v_options) k
  where k not in ('id', 'queue', 'priority', 'runIn', 'runAt', 'expireIn', 'maxAttempts', 'maxCrashes', 'timeout', 'tags',
    'metadata', 'unique', 'keys')
  limit 1;
  if v_unknown is not null then
    raise exception 'drover.enqueue: % is no option', v_unknown using errcode = '22023',
      hint = 'Options: id, queue, priority, runIn, runAt, expireIn, maxAttempts, maxCrashes, timeout, tags, metadata, unique, keys.';
  end if;
  if v_options ? 'runIn' and v_options ? 'runAt' then
    raise exception 'drover.enqueue: give either runIn or runAt, not both' using errcode = '22023';
  end if;
  if v_options ? 'runIn' then v_delay := {schema}.duration_ms(v_options -> 'runIn', 'runIn'); end if;
  if v_options ? 'runAt' then v_run_at := {schema}.instant_ms(v_options -> 'runAt', 'runAt'); end if;
  if v_options ? 'metadata' and jsonb_typeof(v_options -> 'metadata') <> 'object' then
    raise exception 'drover.enqueue: metadata must be an object' using errcode = '22023';
  end if;
  if v_options ? 'id' and (v_options ->> 'id') !~* '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' then
    raise exception 'drover.enqueue: id: % is not a UUIDv7', v_options ->> 'id' using errcode = '22023';
  end if;
  v_id := coalesce((v_options ->> 'id')::uuid, {schema}.new_id());
  select e.id into v_id
  -- Made by the fourth migration; nobody enqueues before all are there.
  from {schema}.enqueue_2(jsonb_build_array(jsonb_build_object(
    'id', v_id,
    'kind', {schema}.check_name(kind, 'kind'),
    'queue', {schema}.check_name(coalesce(v_options ->> 'queue', 'default'), 'queue'),
    'priority', {schema}.whole_number(coalesce(v_options -> 'priority', '100'), 'priority', 0, 1000),
    'input', {schema}.check_payload(coalesce(args, 'null'), 'args', 1048576),
    'delayMs', v_delay,
    'runAt', v_run_at,
    'expireMs', case when v_options -> 'expireIn' <> 'false' then {schema}.duration_ms(v_options -> 'expireIn', 'expireIn') end,
    'maxAttempts', case when v_options -> 'maxAttempts' = 'false' then 2147483647
      else {schema}.whole_number(coalesce(v_options -> 'maxAttempts', '25'), 'maxAttempts', 1, 2147483647) end,
    'maxCrashes', {schema}.whole_number(coalesce(v_options -> 'maxCrashes', '3'), 'maxCrashes', 1, 2147483647),
    'timeoutMs', case when v_options -> 'timeout' = 'false' then 0
      when v_options ? 'timeout' then {schema}.duration_ms(v_options -> 'timeout', 'timeout') end,
    'retry', null,
    'tags', {schema}.check_tags(v_options -> 'tags'),
    'metadata', case when v_options ? 'metadata' then {schema}.check_payload(v_options -> 'metadata', 'metadata', 16384) end,
    'unique', case when v_options ? 'unique'
      then {schema}.unique_key(v_options -> 'unique', kind, v_delay > 0) end,
    'keys', {schema}.check_keys(v_options -> 'keys')
  ))) e;
  return v_id;
end
$$;
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
$$`,
  },
  {
    number: 2,
    name: "leadership",
    sql: `create table {schema}.term (
  one smallint primary key check (one = 1),
  term bigint not null unique,
  token bigint,
  candidate text,
  host text,
  pid integer,
  info text,
  elected_at bigint,
  renewed_at bigint,
  until_at bigint
) with (fillfactor = 50);
insert into {schema}.term (one, term) values (1, 0);
create table {schema}.turn (
  service text primary key,
  at bigint not null,
  term bigint not null
) with (fillfactor = 50);
create table {schema}.sample (
  at bigint not null,
  queue text not null,
  counts integer[] not null,
  oldest_wait_ms bigint,
  primary key (at, queue)
);
create index sample_queue on {schema}.sample (queue, at)`,
  },
  {
    number: 3,
    name: "schedules",
    sql: `create table {schema}.schedule (
  id integer generated always as identity primary key,
  name text collate "C" not null unique,
  version bigint not null,
  deployment text,
  declared text,
  changed text not null,
  anchor_at bigint not null,
  next_at bigint,
  fire_at bigint,
  held_at bigint,
  paused_at bigint,
  retired_at bigint,
  deleted_at bigint,
  failure text,
  last_at bigint,
  last_job uuid,
  ticks bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  updated_by text not null,
  check (fire_at is null or next_at is not null)
) with (fillfactor = 50);
create index schedule_due on {schema}.schedule (fire_at) where fire_at is not null;
create index schedule_held on {schema}.schedule (held_at) where held_at is not null;
create table {schema}.tick (
  schedule integer not null,
  n bigint not null,
  at bigint not null,
  through_at bigint not null,
  count bigint,
  job uuid,
  reason text,
  actor text,
  recorded_at bigint not null,
  primary key (schedule, n)
);
create unique index tick_planned on {schema}.tick (schedule, at) where actor is null;
create table {schema}.schedule_change (
  seq bigint generated always as identity primary key,
  id text not null unique,
  schedule text not null,
  at bigint not null,
  actor text not null,
  action text not null,
  detail text
);
create index schedule_change_of on {schema}.schedule_change (schedule, seq);
create table {schema}.schedule_config (
  deployment text not null,
  generation bigint not null,
  hash text not null,
  at bigint not null,
  primary key (deployment, generation)
);
create index schedule_config_hash on {schema}.schedule_config (deployment, hash, generation)`,
  },
  {
    number: 4,
    name: "limits",
    sql: `create table {schema}.limits (
  id integer generated always as identity primary key,
  name text not null unique,
  scope text not null check (scope in ('queue', 'kind')),
  target text not null,
  type text not null check (type in ('concurrency', 'rate', 'fair')),
  by_key text not null,
  declared jsonb,
  generation bigint not null,
  setting jsonb,
  set_at bigint,
  set_by text,
  last_at bigint not null default 0,
  turn bigint not null default 0
) with (fillfactor = 50);
create index limits_target on {schema}.limits (target);
create table {schema}.limited_lane (
  lane integer primary key
);
alter table {schema}.job add column keys text, add column track bigint;
create index job_track on {schema}.job (track, rank, id) where waits = 3 or waits = 4;
create index job_keyed_due on {schema}.job (lane, run_at, id) where waits = 5;
create table {schema}.track (
  id bigint generated always as identity primary key,
  lane integer not null,
  alone boolean not null,
  keys text not null,
  rank bigint not null,
  first uuid not null,
  share_limit integer,
  share_key text not null default '',
  turn bigint not null default 0,
  blocked_limit integer,
  blocked_key text,
  blocked_until bigint,
  unique (lane, alone, keys)
);
create index track_open on {schema}.track (lane, alone, turn, rank, first) where blocked_limit is null;
create index track_blocked on {schema}.track (blocked_limit, blocked_key) where blocked_limit is not null;
create index track_window on {schema}.track (lane, blocked_until) where blocked_until is not null;
create index track_share on {schema}.track (share_limit, share_key) where share_limit is not null;
create table {schema}.limit_use (
  limit_id integer not null,
  key text not null,
  job uuid not null,
  attempt integer not null,
  primary key (limit_id, key, job)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create table {schema}.limit_start (
  limit_id integer not null,
  key text not null,
  at bigint not null,
  starts integer not null,
  primary key (limit_id, key, at)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create table {schema}.limit_turn (
  limit_id integer not null,
  key text not null,
  turn bigint not null,
  primary key (limit_id, key)
);
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
create function {schema}.key_of_1(p_keys text, p_name text) returns text
language sql immutable as $$
  select e ->> 1 from jsonb_array_elements(p_keys::jsonb) e where e ->> 0 = p_name
$$;
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
create function {schema}.spread_1(p_limit integer) returns bigint
language sql volatile as $$
  select least(1000, (coalesce(m.setting, m.declared) ->> 'perMs')::bigint) / 20 from {schema}.limits m where m.id = p_limit
$$;
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
create function {schema}.stop_claims_1() returns jsonb
language plpgsql volatile as $$
begin
  lock table {schema}.claim, {schema}.lane in share row exclusive mode;
  return (
    select coalesce(jsonb_object_agg(m.name, coalesce(m.setting, m.declared)), '{}') from {schema}.limits m
    where coalesce(m.setting, m.declared) is not null);
end
$$;
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
create function {schema}.claim_limited_1(
  p_worker integer, p_worker_token bigint, p_token bigint, p_queue text, p_lanes integer[], p_alone boolean, p_most integer,
  out jobs uuid[], out ended uuid[], out ended_states smallint[], out held_back boolean, out shut_lanes integer[]
)
language plpgsql volatile
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
create function {schema}.may_claim_1(p_worker integer, p_token bigint, p_queue text, p_now bigint) returns boolean
language plpgsql volatile as $$
begin
  return exists (
    select from {schema}.worker w
    where w.ref = p_worker and w.token = p_token and w.ended_at is null and w.lease_until > p_now
  ) and not exists (select from {schema}.queue q where q.name = p_queue and q.paused_at is not null);
end
$$;
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
$$`,
  },
  {
    number: 5,
    name: "clock_stamp",
    sql: `select 1`,
  },
  {
    number: 6,
    name: "plain_arrays",
    sql: `alter table {schema}.trail
  alter jobs set storage external,
  alter prevs set storage external,
  alter attempts set storage external;
alter table {schema}.claim alter jobs set storage external`,
  },
  {
    number: 7,
    name: "keyed_completions",
    sql: `create function {schema}.complete_keyed_1(
  p_worker integer, p_ids uuid[], p_attempts integer[], p_tokens bigint[], p_prevs bigint[], p_results json
) returns integer[]
language plpgsql volatile
set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
  v_now bigint;
  v_seq bigint;
  v_places integer[];
  v_bytes bigint;
  v_keys text[];
  v_tracks bigint[];
begin
  -- First, and the rest in statements of their own: a claim that is just now finding a key full has these locks, and what
  -- it lets stand aside must be seen here.
  perform {schema}.lock_limits_of_1(p_ids);
  v_now := {schema}.clock_ms();
  v_seq := {schema}.draw_1();
  with settled as (
    update {schema}.job j set
      state = 4, worker = null, cancel_worker = null, finished_at = v_now, result = (e.result -> 0)::text,
      reason = null, error = null, trail = v_seq * 1024 + e.n - 1
    from
      rows from (unnest(p_ids, p_attempts, p_tokens), json_array_elements(p_results))
        with ordinality as e (id, attempt, token, result, n)
    where j.id = any (p_ids) and j.id = e.id and j.state = 2 and j.attempt = e.attempt and j.token = e.token
    returning
      e.n, j.keys,
      256 + octet_length(j.input) + coalesce(octet_length(j.metadata), 0) + coalesce(octet_length(j.result), 0) as bytes
  )
  select array_agg(s.n::integer), sum(s.bytes), array_agg(distinct s.keys) into v_places, v_bytes, v_keys from settled s;
  if v_places is null then return '{}'; end if;
  insert into {schema}.trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts, bytes)
  values (
    v_seq, v_now, p_worker, 2, 4,
    array(select case when u.n = any (v_places) then u.id end from unnest(p_ids) with ordinality u (id, n) order by u.n),
    p_prevs, p_attempts, v_bytes
  );
  -- What waits for these keys, in one order.
  v_tracks := array(
    select t.id
    from {schema}.track t
    where (t.blocked_limit, t.blocked_key) in (
      select m.id, e.value ->> 1
      from unnest(v_keys) k (list)
      cross join lateral jsonb_array_elements(k.list::jsonb) e
      join {schema}.limits m on m.name = e.value ->> 0 and m.type = 'concurrency'
    )
    order by t.id
    for no key update
  );
  if v_tracks <> '{}' then
    update {schema}.track t set
      blocked_limit = null, blocked_key = null, blocked_until = null,
      turn = greatest(t.turn, coalesce((select m.turn from {schema}.limits m where m.id = t.share_limit), 0))
    where t.id = any (v_tracks);
  end if;
  return v_places;
end
$$`,
  },
  {
    number: 8,
    name: "plain_sql_checks",
    sql: `create function {schema}.limit_ms(p_value jsonb, p_name text) returns bigint
language plpgsql immutable as $$
declare
  v_ms bigint := {schema}.duration_ms(p_value, p_name);
begin
  if v_ms > 0 then return v_ms; end if;
  raise exception 'drover.enqueue: %: must be longer than 0', p_name using errcode = '22023', hint = 'Give false for no limit.';
end
$$;
create or replace function {schema}.instant_ms(p_value jsonb, p_name text) returns bigint
language plpgsql stable as $$
declare
  v_given numeric;
  v_at timestamptz;
  v_ms bigint;
begin
  if jsonb_typeof(p_value) = 'number' then
    v_given := (p_value #>> '{}')::numeric;
    -- As milliseconds these lie in January 1970 to March 1973, when nobody plans anything; as seconds from 2001 to 5138.
    if v_given >= 1e9 and v_given < 1e11 then
      raise exception 'drover.enqueue: %: % looks like seconds', p_name, p_value
        using errcode = '22023', hint = format('Milliseconds since 1970 are meant: give %s, or a timestamp as a text.', v_given * 1000);
    end if;
    return {schema}.whole_number(p_value, p_name, 0, 253402300799999);
  end if;
  begin
    v_at := (p_value #>> '{}')::timestamptz;
    if isfinite(v_at) then v_ms := ceil(extract(epoch from v_at) * 1000); end if;
  exception when invalid_datetime_format or datetime_field_overflow or invalid_text_representation
    or invalid_parameter_value then
    v_ms := null;
  end;
  if v_ms between 0 and 253402300799999 then return v_ms; end if;
  raise exception 'drover.enqueue: %: % is not an instant', p_name, p_value
    using errcode = '22023',
      hint = 'Give milliseconds since 1970 as a number, or a timestamp as a text, at most of the year 9999.';
end
$$;
create or replace function {schema}.enqueue(kind text, args jsonb default '{}', options jsonb default '{}') returns uuid
language plpgsql volatile as $$
declare
  v_options jsonb := coalesce(options, '{}');
  v_unknown text;
  v_id uuid;
  v_run_at bigint;
  v_delay bigint := 0;
begin
  if jsonb_typeof(v_options) <> 'object' then
    raise exception 'drover.enqueue: options must be an object, not %', v_options using errcode = '22023';
  end if;
  -- Given as null is not given.
  v_options := jsonb_strip_nulls(v_options);
  select k into v_unknown from jsonb_object_keys(v_options) k
  where k not in ('id', 'queue', 'priority', 'runIn', 'runAt', 'expireIn', 'maxAttempts', 'maxCrashes', 'timeout', 'tags',
    'metadata', 'unique', 'keys')
  limit 1;
  if v_unknown is not null then
    raise exception 'drover.enqueue: % is no option', v_unknown using errcode = '22023',
      hint = 'Options: id, queue, priority, runIn, runAt, expireIn, maxAttempts, maxCrashes, timeout, tags, metadata, unique, keys.';
  end if;
  if v_options ? 'runIn' and v_options ? 'runAt' then
    raise exception 'drover.enqueue: give either runIn or runAt, not both' using errcode = '22023';
  end if;
  if v_options ? 'runIn' then v_delay := {schema}.duration_ms(v_options -> 'runIn', 'runIn'); end if;
  if v_options ? 'runAt' then v_run_at := {schema}.instant_ms(v_options -> 'runAt', 'runAt'); end if;
  if v_options ? 'metadata' and jsonb_typeof(v_options -> 'metadata') <> 'object' then
    raise exception 'drover.enqueue: metadata must be an object' using errcode = '22023';
  end if;
  if v_options ? 'queue' and jsonb_typeof(v_options -> 'queue') <> 'string' then
    raise exception 'drover.enqueue: queue: % is not a name', v_options -> 'queue' using errcode = '22023';
  end if;
  if v_options -> 'unique' = 'false' then v_options := v_options - 'unique'; end if;
  if v_options ? 'id' and (v_options ->> 'id') !~* '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' then
    raise exception 'drover.enqueue: id: % is not a UUIDv7', v_options ->> 'id' using errcode = '22023';
  end if;
  v_id := coalesce((v_options ->> 'id')::uuid, {schema}.new_id());
  select e.id into v_id
  from {schema}.enqueue_2(jsonb_build_array(jsonb_build_object(
    'id', v_id,
    'kind', {schema}.check_name(kind, 'kind'),
    'queue', {schema}.check_name(coalesce(v_options ->> 'queue', 'default'), 'queue'),
    'priority', {schema}.whole_number(coalesce(v_options -> 'priority', '100'), 'priority', 0, 1000),
    'input', {schema}.check_payload(coalesce(args, 'null'), 'args', 1048576),
    'delayMs', v_delay,
    'runAt', v_run_at,
    'expireMs', case when v_options -> 'expireIn' <> 'false' then {schema}.limit_ms(v_options -> 'expireIn', 'expireIn') end,
    'maxAttempts', case when v_options -> 'maxAttempts' = 'false' then 2147483647
      else {schema}.whole_number(coalesce(v_options -> 'maxAttempts', '25'), 'maxAttempts', 1, 2147483647) end,
    'maxCrashes', {schema}.whole_number(coalesce(v_options -> 'maxCrashes', '3'), 'maxCrashes', 1, 2147483647),
    'timeoutMs', case when v_options -> 'timeout' = 'false' then 0
      when v_options ? 'timeout' then {schema}.limit_ms(v_options -> 'timeout', 'timeout') end,
    'retry', null,
    'tags', {schema}.check_tags(v_options -> 'tags'),
    'metadata', case when v_options ? 'metadata' then {schema}.check_payload(v_options -> 'metadata', 'metadata', 16384) end,
    'unique', case when v_options ? 'unique'
      then {schema}.unique_key(v_options -> 'unique', kind, v_delay > 0) end,
    'keys', {schema}.check_keys(v_options -> 'keys')
  ))) e;
  return v_id;
end
$$`,
  },
  {
    number: 9,
    name: "limited_claims",
    sql: `create function {schema}.cleared_rooms_1(p_meters text[], p_now bigint, out rooms jsonb, out is_full boolean)
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
create function {schema}.claim_limited_2(
  p_worker integer, p_worker_token bigint, p_token bigint, p_queue text, p_lanes integer[], p_alone boolean, p_most integer,
  out jobs uuid[], out ended uuid[], out ended_states smallint[], out held_back boolean, out shut_lanes integer[]
)
language plpgsql volatile
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
$$`,
  },
  {
    number: 10,
    name: "keyed_batches",
    sql: `create function {schema}.weigh_batch_1(
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
$$`,
  },
] as const
