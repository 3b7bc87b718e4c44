-- For SQL prompts, triggers and other languages: the options and their names are those of the client.

-- A length of time in ms: a number of them, or a text such as 90s or 1h30m.
create function {schema}.duration_ms(p_value jsonb, p_name text) returns bigint
language plpgsql immutable as $$
declare
  v_text text := p_value #>> '{}';
  v_ms numeric;
begin
  if jsonb_typeof(p_value) = 'number' then
    v_ms := v_text::numeric;
  elsif jsonb_typeof(p_value) = 'string' and v_text ~ '^(\d+(\.\d+)?(ms|s|m|h|d|w))+$' then
    select sum(m[1]::numeric * case m[3]
      when 'ms' then 1 when 's' then 1000 when 'm' then 60000 when 'h' then 3600000
      when 'd' then 86400000 else 604800000 end)
    into v_ms from regexp_matches(v_text, '(\d+(\.\d+)?)(ms|s|m|h|d|w)', 'g') m;
  end if;
  if v_ms is null or v_ms < 0 or v_ms > 3155760000000 then
    raise exception 'drover.enqueue: %: % is not a duration', p_name, p_value
      using errcode = '22023', hint = 'Give milliseconds as a number, or a text such as 250ms, 5m or 1h30m.';
  end if;
  return ceil(v_ms);
end
$$;

-- A whole number between two others.
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

-- Refuses what the client would refuse, so that both take the same.
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

-- The tags as they are stored.
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

-- A unique key as enqueue_1 takes it.
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
      convert_to(case when v_key ? 'scope' then 'scope' else 'kind' end, 'UTF8') || '\x00'::bytea
      || convert_to(coalesce(v_key ->> 'scope', p_kind), 'UTF8') || '\x00'::bytea || convert_to(v_key ->> 'key', 'UTF8')
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

-- A key under a limit, as the client stores it: itself, or its first 60 UTF-16 units and its hash.
create function {schema}.stored_key(p_key text) returns text
language plpgsql immutable as $$
declare
  v_head text := '';
  v_left integer := 60;
  v_char text;
begin
  if length(p_key) + (select count(*) from regexp_matches(p_key, '[\U00010000-\U0010FFFF]', 'g')) <= 100 then return p_key; end if;
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

-- Keys under limits, {"kind:resize#concurrency.key": "tenant 7"}, as the text that the client stores: jobs with the same
-- keys stand in the same track by it.
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
  where e.key !~ '^(queue|kind):[^#]{1,100}#(concurrency|rate|fair)\.[A-Za-z0-9_]{1,40}$' limit 1;
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

-- A UUIDv7 of this instant.
create function {schema}.new_id() returns uuid
language sql volatile as $$
  select (
    lpad(to_hex({schema}.clock_ms()), 12, '0') || '7' || substr(r.hex, 14)
  )::uuid
  from (select replace(gen_random_uuid()::text, '-', '') as hex) r
$$;

-- When a job is due, in ms since 1970: a number of them, or a text that is a timestamp with a time zone.
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

-- Enqueues one job and returns its id, or that of the job which has its unique key: part of the caller's transaction.
-- What the job's definition in code sets is not known here: without options it gets the defaults of all kinds, and without
-- the option keys it is not subject to limits that hold for each key.
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
