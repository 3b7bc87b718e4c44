-- Completions of jobs with keys under limits, many at once, each under its fence; those that hold a unique key when they are
-- completed go by settle_2. Ids in order. Returns the places (from 1) of those that were written.
-- It opens by itself what waits for these keys, as the trigger job_frees_keys does for all other ways out.
create function {schema}.complete_keyed_1(
  p_worker integer, p_ids uuid[], p_attempts integer[], p_tokens bigint[], p_prevs bigint[], p_results json
) returns integer[]
language plpgsql volatile
-- A plan that was made while there were few jobs would read all of them later.
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
$$;
