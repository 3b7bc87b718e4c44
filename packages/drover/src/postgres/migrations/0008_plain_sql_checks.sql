-- What the client refuses is refused here too: due times in seconds, which ran at once; those that no date can show; lengths
-- of time of 0, which meant none at all. No version of Drover calls these functions by itself, so they may be replaced.

-- A length of time that is not 0.
create function {schema}.limit_ms(p_value jsonb, p_name text) returns bigint
language plpgsql immutable as $$
declare
  v_ms bigint := {schema}.duration_ms(p_value, p_name);
begin
  if v_ms > 0 then return v_ms; end if;
  raise exception 'drover.enqueue: %: must be longer than 0', p_name using errcode = '22023', hint = 'Give false for no limit.';
end
$$;

-- When a job is due, in ms since 1970: a number of them, or a text that is a timestamp.
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

-- Enqueues one job and returns its id, or that of the job which has its unique key: part of the caller's transaction.
-- What the job's definition in code sets is not known here: without options it gets the defaults of all kinds, and without
-- the option keys it is not subject to limits that hold for each key.
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
$$;
