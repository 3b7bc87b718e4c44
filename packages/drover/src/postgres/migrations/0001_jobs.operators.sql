-- What people do to jobs, and what is forgotten.

-- The size of a finished job as the row of the trail in which it ended counts it.
create function {schema}.job_bytes_1(p_job {schema}.job) returns bigint
language sql immutable as $$
  select 256 + octet_length(p_job.input)::bigint + coalesce(octet_length(p_job.metadata), 0)
    + coalesce(octet_length(case when p_job.state = 4 then p_job.result else p_job.error end), 0)
$$;

-- Does to one job, which is locked, what a person asks for. Returns what became of it.
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

-- Deletes jobs that are locked, with all their traces; what runs stays. Returns those that are gone.
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

-- Discards waiting jobs whose expiry has passed, at most p_most, longest overdue first.
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
