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
] as const
