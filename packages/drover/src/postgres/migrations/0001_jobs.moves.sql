-- From here on what takes more than one statement: one call is one round trip, on our connections and on a user's.
-- A function that another version of Drover calls is never changed: a new one gets the next number, and old ones stay
-- for as long as workers of their version may run. Each is volatile, so each of its statements sees what was committed
-- before it. They stamp with clock_timestamp(), because a user's transaction may have begun long ago.

create function {schema}.clock_ms() returns bigint
language sql volatile as $$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint
$$;

-- The number of the next row of the trail. Whoever draws one has the lock of who writes to it from before on, which is how
-- readers know that a row may still come; a statement that itself writes to trail has it too, and may draw by itself.
create function {schema}.draw_1() returns bigint
language plpgsql volatile as $$
begin
  lock table {schema}.trail in row exclusive mode;
  return nextval('{schema}.trail_seq');
end
$$;

-- Whether a key with these states and this end is held by a job in that state.
create function {schema}.holds_1(states smallint, until bigint, state integer, at bigint) returns boolean
language sql immutable as $$
  select (coalesce(states, 0)::integer & (1 << state)) <> 0 and (until is null or until > at)
$$;

-- The lane of a queue and a kind, made if it is not there.
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

-- Writes a row of the trail for one job. Returns the number of the transition.
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

-- Takes the unique key of a job that goes into a state, unless another job holds it by now: then false.
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

-- Ends a job that is locked and does not run, or is taken from its worker: by an expiry, a rescue or a person.
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
