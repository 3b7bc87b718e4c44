// Made by `npm run sqlgen` from ../sql/*.sql, where the comments are. Do not edit.

export const queries = {
  expire_jobs: `select e.id, l.kind, l.queue
from {schema}.expire_1($1::integer) e
join {schema}.lane l on l.id = e.lane`,
  has_expired: `select exists (
  select from {schema}.job j
  where j.waits is not null and j.attempt = 0 and j.expires_at is not null
    and j.expires_at < floor(extract(epoch from now()) * 1000)::bigint
)`,
  stopped_by_age: `select j.id
from {schema}.job j
where j.state = $1::smallint and j.stopped_at is not null
  and j.stopped_at < floor(extract(epoch from now()) * 1000)::bigint - $2::bigint
order by j.stopped_at
limit $3::integer`,
  completed_by_age: `select j.id
from {schema}.trail t
cross join lateral unnest(t.jobs) u (id)
cross join lateral (
  select e.id from {schema}.job e where e.id = u.id and e.state = 4 and e.trail / 1024 = t.seq limit 1
) j
where t.to_state = 4 and t.at < floor(extract(epoch from now()) * 1000)::bigint - $1::bigint
order by t.at, t.seq
limit $2::integer`,
  finished_bytes: `select coalesce(
  sum(t.bytes) / least(1, $1::float8 * 8192 / greatest(1, pg_relation_size('{schema}.trail'))), 0
)::bigint
from {schema}.trail t
  tablesample system (100 * least(1, $1::float8 * 8192 / greatest(1, pg_relation_size('{schema}.trail')))) repeatable (1)
where t.to_state >= 4`,
  oldest_ended: `select s.id
from (
  select e.id, e.at, sum(e.bytes) over (order by e.at, e.id) - e.bytes as before
  from (
    select f.id, f.at, f.bytes
    from (
      (
        select j.id, t.at, j.bytes
        from {schema}.trail t
        cross join lateral unnest(t.jobs) u (id)
        cross join lateral (
          select o.id, {schema}.job_bytes_1(o) as bytes
          from {schema}.job o where o.id = u.id and o.state = 4 and o.trail / 1024 = t.seq limit 1
        ) j
        where t.to_state = 4
        order by t.at, t.seq
        limit $2::integer
      )
      union all
      (
        select j.id, t.at, j.bytes
        from {schema}.trail t
        cross join lateral unnest(t.jobs) u (id)
        cross join lateral (
          select o.id, {schema}.job_bytes_1(o) as bytes
          from {schema}.job o where o.id = u.id and o.state = 5 and o.trail / 1024 = t.seq limit 1
        ) j
        where t.to_state = 5
        order by t.at, t.seq
        limit $2::integer
      )
      union all
      (
        select j.id, t.at, j.bytes
        from {schema}.trail t
        cross join lateral unnest(t.jobs) u (id)
        cross join lateral (
          select o.id, {schema}.job_bytes_1(o) as bytes
          from {schema}.job o where o.id = u.id and o.state = 6 and o.trail / 1024 = t.seq limit 1
        ) j
        where t.to_state = 6
        order by t.at, t.seq
        limit $2::integer
      )
    ) f
    order by f.at, f.id
    limit $2::integer
  ) e
) s
where s.before < $1::bigint
order by s.at, s.id`,
  lock_finished: `with keys as materialized (
  select h.hash from {schema}.hold h
  where h.hash = any (array(
    select k.unique_hash from {schema}.job k where k.id = any ($1::uuid[]) and k.unique_hash is not null
  ))
  for update skip locked
)
select j.id
from {schema}.job j
where j.id = any ($1::uuid[]) and j.state >= 4 and (
  j.unique_hash is null
  or j.unique_hash in (select k.hash from keys k)
  or not exists (select from {schema}.hold h where h.hash = j.unique_hash)
)
for update of j skip locked`,
  oldest_transactions: `select a.pid, coalesce(a.application_name, ''), coalesce(a.state, ''),
  (extract(epoch from now() - a.xact_start) * 1000)::bigint
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
  and a.xact_start < now() - $1::bigint * interval '1 ms'
order by a.xact_start
limit 10`,
  oldest_xmins: `select h.what, h.name, h.xids
from (
  select 'session' as what, a.pid || ' ' || coalesce(a.application_name, '') as name, age(a.backend_xmin) as xids
  from pg_stat_activity a
  where a.backend_xmin is not null and a.pid <> pg_backend_pid()
  union all
  select 'replication slot', s.slot_name::text, greatest(age(s.xmin), age(s.catalog_xmin)) from pg_replication_slots s
  union all
  select 'prepared transaction', p.gid, age(p.transaction) from pg_prepared_xacts p
) h
where h.xids > $1::bigint
order by h.xids desc
limit 5`,
  dead_rows: `select s.relname::text, s.n_dead_tup, s.n_live_tup, greatest(s.last_vacuum, s.last_autovacuum)::text
from pg_stat_user_tables s
where s.schemaname = '{schema}' and s.n_dead_tup > greatest($1::bigint, s.n_live_tup / 5)
order by s.n_dead_tup desc`,
  index_sizes: `select c.relname::text, c.relpages::bigint, c.reltuples::float8, (
  select coalesce(sum(coalesce(st.avg_width, case when a.attlen > 0 then a.attlen else 32 end)), 16)
  from pg_attribute a
  left join pg_stats st on st.schemaname = '{schema}' and st.tablename = t.relname and st.attname = a.attname
  where a.attrelid = c.oid
)::integer
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '{schema}' and c.relpages > $1::integer`,
  broken_indexes: `select c.relname::text
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '{schema}' and not i.indisvalid`,
  missing_grants: `select g.what, g.privilege
from (
  select 1, 'schema {schema}', 'usage' where not has_schema_privilege('{schema}', 'usage')
  union all
  select 2, 'table ' || c.relname, p.privilege
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  cross join unnest(array['select', 'insert', 'update', 'delete']) p (privilege)
  where n.nspname = '{schema}' and (c.relname <> 'migration' or p.privilege = 'select')
    and case when c.relkind = 'r' then not has_table_privilege(c.oid, p.privilege) else false end
  union all
  select 3, 'sequence ' || c.relname, 'usage'
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = '{schema}' and case when c.relkind = 'S' then not has_sequence_privilege(c.oid, 'usage') else false end
  union all
  select 4, 'function ' || f.proname, 'execute'
  from pg_proc f
  join pg_namespace n on n.oid = f.pronamespace
  where n.nspname = '{schema}' and not has_function_privilege(f.oid, 'execute')
) g (place, what, privilege)
order by g.place, g.what, g.privilege`,
  server_health: `select
  current_setting('server_version'),
  current_setting('server_version_num')::integer,
  current_setting('fsync'),
  current_setting('full_page_writes'),
  current_setting('synchronous_commit'),
  current_setting('autovacuum'),
  current_setting('track_counts'),
  pg_notification_queue_usage(),
  (select count(*) from pg_stat_activity where backend_type = 'client backend'),
  current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer,
  (select max(age(d.datfrozenxid)) from pg_database d),
  floor(extract(epoch from clock_timestamp()) * 1000)::bigint,
  pg_has_role(current_user, 'pg_read_all_stats', 'usage')`,
  tables_without_vacuum: `select c.relname::text
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '{schema}' and c.relkind = 'r' and exists (
    select from unnest(c.reloptions) o (setting) where o.setting ~* '^autovacuum_enabled=(off|of|false|f|no|n|0)$'
  )`,
  long_lock_waits: `select l.pid, coalesce(a.application_name, ''), l.mode, c.relname::text, pg_blocking_pids(l.pid),
  (extract(epoch from now() - l.waitstart) * 1000)::bigint
from pg_locks l
join pg_class c on c.oid = l.relation
join pg_namespace n on n.oid = c.relnamespace
left join pg_stat_activity a on a.pid = l.pid
where not l.granted and n.nspname = '{schema}' and l.waitstart < now() - $1::bigint * interval '1 ms'
  and l.database = (select d.oid from pg_database d where d.datname = current_database())
order by l.waitstart
limit 10`,
  stuck_workers: `select w.id, count(distinct j.id)
from {schema}.worker w
join {schema}.claim c on c.worker = w.ref
cross join lateral unnest(c.jobs) u (id)
join {schema}.job j on j.id = u.id and j.state = 2 and j.worker = w.ref
where w.ended_at is null and w.lease_until < floor(extract(epoch from now()) * 1000)::bigint - $1::bigint
group by w.id
limit 1000`,
  worker_infos: `select w.info from {schema}.worker w
where w.ended_at is null and w.lease_until >= floor(extract(epoch from now()) * 1000)::bigint
limit 1000`,
  ignored_cancels: `select j.id, l.kind
from {schema}.job j
join {schema}.lane l on l.id = j.lane
where j.cancel_worker is not null and j.state = 2
  and j.cancel_at < floor(extract(epoch from now()) * 1000)::bigint - $1::bigint
order by j.cancel_at
limit 100`,
  oldest_due: `select d.queue, d.kind, floor(extract(epoch from now()) * 1000)::bigint - d.at
from (
  select l.queue, l.kind, least(
    (select j.run_at from {schema}.job j where j.lane = l.id and j.waits = 0 order by j.run_at limit 1),
    (select min(j.run_at) from {schema}.job j where j.lane = l.id and j.waits = 2),
    (select min(f.run_at) from (
      select j.run_at from {schema}.job j where j.lane = l.id and j.waits = 1 order by j.rank, j.id limit 100
    ) f)
  ) as at
  from {schema}.lane l
  where not exists (select from {schema}.queue q where q.name = l.queue and q.paused_at is not null)
) d
where d.at <= floor(extract(epoch from now()) * 1000)::bigint
order by d.at`,
  add_jobs: `with plan as materialized (
  select
    t.now, t.run_at,
    greatest(t.run_at, t.now) as order_at,
    (case when t.run_at <= t.now then 1 else 0 end)::smallint as state,
    $6::bigint * coalesce((select q.aging_ms from {schema}.queue q where q.name = $7::text), 8796093022208)
      + greatest(t.run_at, t.now) as rank,
    array(select nextval('{schema}.trail_seq') from generate_series(0, (cardinality($1::uuid[]) - 1) / 1024)) as seqs
  from (
    select c.now, coalesce($5::bigint, c.now + $4::bigint) as run_at
    from (select floor(extract(epoch from now()) * 1000)::bigint as now) c
  ) t
),
added as (
  insert into {schema}.job (
    id, rank, run_at, enqueued_at, trail, expires_at, timeout_ms, lane, max_attempts, max_crashes, state, waits, priority,
    input, tags, metadata, retry)
  select
    e.id, p.rank, p.run_at, p.now, p.seqs[(e.n - 1) / 1024 + 1] * 1024 + (e.n - 1) % 1024, p.order_at + $8::bigint,
    $9::bigint, $3::integer, $10::integer, $11::integer, p.state, p.state, $6::smallint, e.input::text, $12::text,
    $13::text, $14::text
  from rows from (unnest($1::uuid[]), json_array_elements($2::json)) with ordinality as e (id, input, n)
  cross join plan p
)
insert into {schema}.trail (seq, at, to_state, jobs)
select s.seq, p.now, p.state, ($1::uuid[])[(s.c - 1) * 1024 + 1 : s.c * 1024]
from plan p cross join unnest(p.seqs) with ordinality s (seq, c)
returning to_state`,
  add_keyed_jobs: `select {schema}.add_keyed_jobs_1(
  $1::uuid[], $2::json, $15::text[], $3::integer, $4::bigint, $5::bigint, $6::integer, $7::text, $8::bigint, $9::bigint,
  $10::integer, $11::integer, $12::text, $13::text, $14::text)`,
  add_various_jobs: `with given as materialized (
  select e.*, c.now, coalesce(e.run_at, c.now + e.delay) as due
  from
    rows from (
      unnest(
        $1::uuid[], $3::integer[], $4::bigint[], $5::bigint[], $6::integer[], $7::bigint[], $8::bigint[], $9::integer[],
        $10::integer[], $11::text[], $12::text[], $13::text[]),
      json_array_elements($2::json)
    ) with ordinality as e (
      id, lane, delay, run_at, priority, expire, timeout, max_attempts, max_crashes, tags, metadata, retry, input, n),
    (select floor(extract(epoch from now()) * 1000)::bigint as now) c
),
placed as materialized (
  select
    g.*, greatest(g.due, g.now) as order_at, (case when g.due <= g.now then 1 else 0 end)::smallint as state,
    row_number() over (partition by g.due <= g.now order by g.n) - 1 as place
  from given g
),
chunks as materialized (
  select d.state, d.chunk, nextval('{schema}.trail_seq') as seq
  from (select distinct p.state, p.place / 1024 as chunk from placed p order by 1, 2) d
),
added as (
  insert into {schema}.job (
    id, rank, run_at, enqueued_at, trail, expires_at, timeout_ms, lane, max_attempts, max_crashes, state, waits, priority,
    input, tags, metadata, retry)
  select
    p.id, p.priority::bigint * coalesce(q.aging_ms, 8796093022208) + p.order_at, p.due, p.now,
    c.seq * 1024 + p.place % 1024, p.order_at + p.expire, p.timeout, p.lane, p.max_attempts, p.max_crashes, p.state,
    p.state, p.priority::smallint, p.input::text, p.tags, p.metadata, p.retry
  from placed p
  join chunks c on c.state = p.state and c.chunk = p.place / 1024
  join {schema}.lane l on l.id = p.lane
  left join {schema}.queue q on q.name = l.queue
)
insert into {schema}.trail (seq, at, to_state, jobs)
select c.seq, p.now, c.state, array_agg(p.id order by p.place)
from placed p
join chunks c on c.state = p.state and c.chunk = p.place / 1024
group by c.seq, p.now, c.state
returning to_state, array_to_string(jobs, ',')`,
  enqueue_each: `select id, status, state from {schema}.enqueue_3($1::text::jsonb)`,
  enqueue_joined: `select json_agg(json_build_array(e.id, e.status, e.state))::text as reply
from {schema}.enqueue_3($1::text::jsonb) e`,
  settle_joined: `select array_to_json({schema}.settle_2(
  (select j.worker from {schema}.job j where j.id = $1::text::uuid), $2::text::jsonb
))::text as reply`,
  exchange: `with clock as materialized (
  select floor(extract(epoch from now()) * 1000)::bigint as now
),
lease as materialized (
  select case when w.lease_until > clock.now then 1 else 2 end as held
  from {schema}.worker w, clock
  where w.ref = $6::integer and w.token = $7::bigint and w.ended_at is null
),
settling as materialized (
  select nextval('{schema}.trail_seq') as seq where cardinality($1::uuid[]) > 0
),
settled as (
  update {schema}.job j set
    state = 4, worker = null, cancel_worker = null, finished_at = (select now from clock),
    result = (e.result -> 0)::text, reason = null, error = null,
    trail = (select seq from settling) * 1024 + e.n - 1
  from
    rows from (
      unnest($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[]),
      json_array_elements($5::json)
    ) with ordinality as e (id, attempt, token, prev, result, n)
  where j.id = any ($1::uuid[]) and j.id = e.id and j.state = 2 and j.attempt = e.attempt and j.token = e.token
  returning e.n, j.id,
    256 + octet_length(j.input) + coalesce(octet_length(j.metadata), 0) + coalesce(octet_length(j.result), 0) as bytes
),
told_ends as (
  insert into {schema}.trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts, bytes)
  select
    settling.seq, clock.now, $6::integer, 2, 4,
    case when c.many = cardinality($1::uuid[]) then $1::uuid[]
      else array(
        select s.id from unnest($1::uuid[]) with ordinality u (id, n) left join settled s on s.n = u.n order by u.n)
    end,
    $4::bigint[], $2::integer[], c.bytes
  from clock, settling, (select count(*) as many, sum(s.bytes) as bytes from settled s) c
  where c.many > 0
),
due as materialized (
  select not $15::boolean and exists (
    select from unnest($9::integer[]) l (id)
    cross join lateral (
      select from {schema}.job d
      where d.lane = l.id and d.waits = 0 and d.run_at <= (select now from clock)
      order by d.run_at limit 1
    ) d
  ) as first
),
special as materialized (
  select exists (
    select from unnest($9::integer[]) l (id)
    where (select 1 from {schema}.limited_lane x where x.lane = l.id limit 1) is not null
      or (select 1 from {schema}.track t where t.lane = l.id limit 1) is not null
      or (select 1 from {schema}.job d where d.lane = l.id and d.waits = 5 limit 1) is not null
  ) as limited
),
stored as materialized (
  select q.paused_at, q.aging_ms from {schema}.queue q where q.name = $14::text
),
picked as materialized (
  select
    j.id, j.trail, j.attempt,
    (j.expires_at is null or j.attempt > 0 or j.expires_at > (select now from clock))
    and (j.unique_states is null or (j.unique_states & 4) = 0 or (j.unique_states & 2) <> 0) as fit
  from unnest($9::integer[], $10::bigint[], $11::bigint[], $12::integer[]) b (lane, low, high, most)
  cross join lateral (
    select r.id, r.trail, r.attempt, r.expires_at, r.unique_states
    from {schema}.job r
    where r.lane = b.lane and r.waits = 1 and r.rank >= b.low and r.rank < b.high
    order by r.rank, r.id
    limit b.most
    for no key update skip locked
  ) j
  where (select held from lease) = 1
    and not (select limited from special)
    and not (select first from due)
    and not exists (select from stored where paused_at is not null)
  limit $13::integer
),
claiming as materialized (
  select nextval('{schema}.trail_seq') as seq where exists (select from picked p where p.fit)
),
taken as materialized (
  select
    array_agg(p.id) as ids,
    array_agg(p.trail) as prevs,
    array_agg(p.attempt + 1) as attempts
  from picked p
  where p.fit
),
started as (
  update {schema}.job j set
    state = 2, waits = null, attempt = j.attempt + 1, worker = $6::integer, token = $8::bigint,
    started_at = (select now from clock), trail = (select seq from claiming) * 1024 + k.n - 1
  from unnest((select ids from taken)) with ordinality as k (id, n)
  where j.id = any ((select ids from taken)::uuid[]) and j.id = k.id
  returning
    k.n, j.id, j.lane, j.attempt, j.trail, j.priority, j.failures, j.crashes, j.interruptions, j.max_attempts,
    j.max_crashes, j.timeout_ms, j.retry, j.input, j.tags, j.metadata, j.enqueued_at, j.run_at, j.unique_states
),
told_starts as (
  insert into {schema}.trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts)
  select claiming.seq, clock.now, $6::integer, 1, 2, taken.ids, taken.prevs, taken.attempts
  from clock, claiming, taken
),
opened as (
  insert into {schema}.claim (worker, seq, token, at, jobs)
  select $6::integer, claiming.seq, $8::bigint, clock.now, taken.ids from clock, claiming, taken
),
closed as (
  delete from {schema}.claim c where c.worker = $6::integer and c.seq = any ($16::bigint[])
)
select
  case when s.n is null or s.n = 1 then h.head end,
  s.id, s.lane, s.attempt, s.trail, s.priority, s.failures, s.crashes, s.interruptions, s.max_attempts,
  s.max_crashes, s.timeout_ms, s.retry, s.input, s.tags, s.metadata, s.enqueued_at, s.run_at, s.unique_states
from (
  select concat(
    coalesce((select held from lease), 0), '/',
    (select first from due)::integer, '/',
    (select now from clock), '/',
    (select aging_ms from stored), '/',
    array_to_string(array(select p.id from picked p where not p.fit), ','), '/',
    case when (select count(*) from settled) = cardinality($1::uuid[]) then '*'
      else array_to_string(array(select n from settled), ',') end, '/',
    (select limited from special)::integer
  ) as head
) h
left join started s on true
order by s.n`,
  start_job: `with clock as materialized (
  select floor(extract(epoch from now()) * 1000)::bigint as now
),
may as materialized (
  select
    (
      select 1 from {schema}.worker w, clock
      where w.ref = $13::integer and w.token = $14::bigint and w.ended_at is null and w.lease_until > clock.now
    ) is not null
    and (select 1 from {schema}.queue q where q.name = $5::text and q.paused_at is not null) is null
    and not exists (
      select from unnest($16::integer[], $17::bigint[], $18::bigint[]) b (lane, low, high)
      where (select 1 from {schema}.limited_lane x where x.lane = b.lane limit 1) is not null
        or (select 1 from {schema}.track t where t.lane = b.lane limit 1) is not null
        or (select 1 from {schema}.job d where d.lane = b.lane and d.waits = 5 limit 1) is not null
        or (
          select 1 from {schema}.job r
          where r.lane = b.lane and r.waits = 1 and r.rank >= b.low and r.rank < b.high limit 1
        ) is not null
        or (
          select 1 from {schema}.job d
          where d.lane = b.lane and d.waits = 0 and d.run_at <= (select now from clock) limit 1
        ) is not null
    ) as start
),
numbers as materialized (
  select
    nextval('{schema}.trail_seq') as queued,
    case when may.start then nextval('{schema}.trail_seq') end as started
  from may
),
added as (
  insert into {schema}.job (
    id, rank, run_at, enqueued_at, trail, token, started_at, expires_at, timeout_ms, lane, attempt, worker, max_attempts,
    max_crashes, state, waits, priority, input, tags, metadata, retry)
  select
    $1::uuid,
    $4::bigint * coalesce((select q.aging_ms from {schema}.queue q where q.name = $5::text), 8796093022208) + clock.now,
    clock.now, clock.now, coalesce(numbers.started, numbers.queued) * 1024,
    case when may.start then $15::bigint end, case when may.start then clock.now end, clock.now + $6::bigint, $7::bigint,
    $3::integer, case when may.start then 1 else 0 end, case when may.start then $13::integer end, $8::integer,
    $9::integer, case when may.start then 2 else 1 end, case when may.start then null else 1 end, $4::smallint, $2::text,
    $10::text, $11::text, $12::text
  from clock, may, numbers
  returning state, trail
),
told_enqueue as (
  insert into {schema}.trail (seq, at, to_state, jobs)
  select numbers.queued, clock.now, 1, array[$1::uuid] from clock, numbers
),
told_start as (
  insert into {schema}.trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts)
  select numbers.started, clock.now, $13::integer, 1, 2, array[$1::uuid], array[numbers.queued * 1024], array[1]
  from clock, numbers where numbers.started is not null
),
opened as (
  insert into {schema}.claim (worker, seq, token, at, jobs)
  select $13::integer, numbers.started, $15::bigint, clock.now, array[$1::uuid]
  from clock, numbers where numbers.started is not null
)
select added.state, added.trail, clock.now from added, clock`,
  settle_others: `select {schema}.settle_2($1::integer, $2::text::jsonb)`,
  complete_keyed: `select {schema}.complete_keyed_1($6::integer, $1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::json)`,
  why_not: `select {schema}.why_not_1($1::integer, e.id, e.attempt, e.token)
from unnest($2::uuid[], $3::integer[], $4::bigint[]) with ordinality e (id, attempt, token, n)
order by e.n`,
  promote_due: `select job_id, lane from {schema}.promote_1($1::integer[], $2::integer)`,
  claim_one_by_one: `select job_id, ended_state from {schema}.claim_2($1::integer, $2::bigint, $3::bigint, $4::uuid[], $5::integer)`,
  held_jobs: `select
  j.id, j.lane, j.attempt, j.trail, j.priority, j.failures, j.crashes, j.interruptions, j.max_attempts,
  j.max_crashes, j.timeout_ms, j.retry, j.input, j.tags, j.metadata, j.enqueued_at, j.run_at, j.unique_states,
  j.started_at, j.rank, j.keys is not null
from {schema}.claim c
cross join lateral unnest(c.jobs) u (id)
join {schema}.job j on j.id = u.id
where c.worker = $1::integer and c.token = $2::bigint and j.state = 2 and j.worker = $1::integer and j.token = $2::bigint
order by j.rank, j.id`,
  claiming_worker: `select case when w.lease_until > floor(extract(epoch from now()) * 1000)::bigint then 1 else 2 end
from {schema}.worker w
where w.ref = $1::integer and w.token = $2::bigint and w.ended_at is null`,
  next_alone: `select j.id, exists (
  select from {schema}.job d
  where d.lane = any ($1::integer[]) and d.waits = 0 and d.run_at <= floor(extract(epoch from now()) * 1000)::bigint
)
from (select 1) one
left join lateral (
  select s.id, s.rank
  from unnest($1::integer[]) l (id)
  join {schema}.lane n on n.id = l.id
  cross join lateral (
    select r.id, r.rank from {schema}.job r where r.lane = l.id and r.waits = 2 and r.id <> all ($2::uuid[])
    order by r.rank, r.id limit 10
  ) s
  where not exists (select from {schema}.queue q where q.name = n.queue and q.paused_at is not null)
    and not exists (select from {schema}.limited_lane x where x.lane = l.id)
  order by s.rank, s.id
  limit 10
) j on true
order by j.rank, j.id`,
  next_past: `select n.id
from (
  select r.id, r.rank
  from unnest($1::integer[], $2::bigint[], $3::bigint[]) b (lane, low, high)
  join {schema}.lane l on l.id = b.lane
  cross join lateral (
    select j.id, j.rank from {schema}.job j
    where j.lane = b.lane and j.waits = 1 and j.rank >= b.low and j.rank < b.high and j.id <> all ($4::uuid[])
    order by j.rank, j.id limit $5::integer
  ) r
  where not exists (select from {schema}.queue q where q.name = l.queue and q.paused_at is not null)
    and not exists (select from {schema}.limited_lane x where x.lane = b.lane)
  order by r.rank, r.id
  limit $5::integer
) n
order by n.rank, n.id`,
  lane_shares: `select n.lane, count(*)
from (
  select b.lane, r.rank, r.id
  from unnest($1::integer[], $2::bigint[], $3::bigint[]) b (lane, low, high)
  cross join lateral (
    select j.rank, j.id from {schema}.job j
    where j.lane = b.lane and j.waits = 1 and j.rank >= b.low and j.rank < b.high
    order by j.rank, j.id limit $4::integer
  ) r
  where not exists (select from {schema}.limited_lane x where x.lane = b.lane)
  order by r.rank, r.id
  limit $4::integer
) n
group by n.lane`,
  lanes_worth_a_claim: `select l.id
from unnest($1::integer[], $2::bigint[], $3::bigint[]) l (id, below, low)
where (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 and j.rank < l.below limit 1) is not null
  or (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 and j.rank >= l.low limit 1) is not null
  or (
    select 1 from {schema}.job d
    where d.lane = l.id and d.waits = 0 and d.run_at <= floor(extract(epoch from now()) * 1000)::bigint limit 1
  ) is not null
  or (select 1 from {schema}.limited_lane x where x.lane = l.id limit 1) is not null
  or (select 1 from {schema}.track t where t.lane = l.id limit 1) is not null
  or (select 1 from {schema}.job d where d.lane = l.id and d.waits = 5 limit 1) is not null`,
  lanes_of_jobs: `select j.id, j.lane from {schema}.job j where j.id = any ($1::uuid[])`,
  limited_lanes: `select l.id from unnest($1::integer[]) l (id)
where exists (select from {schema}.limited_lane x where x.lane = l.id)
  or exists (select from {schema}.track t where t.lane = l.id)
  or exists (select from {schema}.job d where d.lane = l.id and d.waits = 5)`,
  claim_limited: `select jobs, ended, ended_states, held_back, shut_lanes
from {schema}.claim_limited_2(
  $1::integer, $2::bigint, $3::bigint, $4::text, $5::integer[], $6::boolean, $7::integer
)`,
  find_lanes: `select l.queue, l.kind, l.id
from unnest($1::text[], $2::text[]) p (queue, kind)
join {schema}.lane l on l.queue = p.queue and l.kind = p.kind`,
  lanes_of_queues: `select l.queue, l.kind, l.id
from unnest($1::text[], $2::integer[]) q (name, known)
cross join lateral (select count(*) as many from {schema}.lane c where c.queue = q.name) n
join {schema}.lane l on l.queue = q.name
where n.many <> q.known`,
  make_lanes: `insert into {schema}.lane (queue, kind)
select p.queue, p.kind from unnest($1::text[], $2::text[]) p (queue, kind) order by p.queue, p.kind
on conflict do nothing`,
  lanes_by_id: `select l.queue, l.kind, l.id from {schema}.lane l where l.id = any ($1::integer[])`,
  joined_lanes: `select json_build_array(count(*) filter (where l.id is null), current_setting('transaction_isolation'))::text as reply
from json_array_elements($1::text::json) p
left join {schema}.lane l on l.queue = p ->> 0 and l.kind = p ->> 1`,
  read_limits: `select
  m.id, m.scope, m.target, m.type, m.by_key, m.declared::text, m.generation, m.setting::text, m.set_at, m.set_by
from {schema}.limits m
order by m.name`,
  put_declared: `select {schema}.declare_limits_1($1::bigint, $2::text::jsonb, $3::text[], $4::text[])`,
  put_setting: `select {schema}.set_limit_1($1::text, $2::text, $3::text, $4::text, $5::text, $6::text::jsonb, $7::text)::text`,
  busiest_uses: `select u.key, count(*)
from {schema}.limit_use u
join {schema}.job j on j.id = u.job and j.state = 2 and j.attempt = u.attempt
where u.limit_id = $1::integer
group by u.key`,
  busiest_starts: `select s.key, sum(s.starts)
from {schema}.limit_start s
where s.limit_id = $1::integer and s.at > floor(extract(epoch from now()) * 1000)::bigint - $2::bigint
group by s.key`,
  count_blocked: `select count(*)
from (
  select 1
  from (select t.id from {schema}.track t where t.blocked_limit = $1::integer limit 1000) t
  cross join lateral (
    select 1 from {schema}.job j where j.track = t.id and (j.waits = 3 or j.waits = 4) limit $2::integer
  ) j
  limit $2::integer
) w`,
  count_held_back: `select count(*)
from (
  select 1
  from {schema}.lane l
  cross join lateral (
    (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 limit $3::integer)
    union all
    (select 1 from {schema}.job j where j.lane = l.id and j.waits = 2 limit $3::integer)
    union all
    (select 1 from {schema}.track t join {schema}.job j on j.track = t.id and (j.waits = 3 or j.waits = 4)
      where t.lane = l.id limit $3::integer)
  ) j
  where $2::text = case $1::text when 'queue' then l.queue else l.kind end
    and {schema}.room_1($4::integer, '', floor(extract(epoch from now()) * 1000)::bigint) = 0
  limit $3::integer
) w`,
  needs_repair: `select
  exists (
    select from {schema}.limit_use u
    where not exists (select from {schema}.job j where j.id = u.job and j.state = 2 and j.attempt = u.attempt)
  )
  or exists (
    select from {schema}.limit_start s
    join {schema}.limits m on m.id = s.limit_id
    where s.at <= floor(extract(epoch from now()) * 1000)::bigint
      - (coalesce(m.setting, m.declared) ->> 'perMs')::bigint
  )
  or exists (
    select from {schema}.limit_turn t join {schema}.limits m on m.id = t.limit_id where t.turn <= m.turn
  )
  or exists (
    select from {schema}.running_uses_1() r
    left join {schema}.limit_use u on u.limit_id = r.limit_id and u.key = r.key and u.job = r.job
    where u.attempt is distinct from r.attempt
  )
  or exists (
    select from {schema}.track t
    where t.blocked_limit is not null and t.blocked_until is null
      and coalesce(
        {schema}.room_1(t.blocked_limit, t.blocked_key, floor(extract(epoch from now()) * 1000)::bigint), 1) > 0
  )`,
  repair_limits: `select cleared, opened from {schema}.repair_limits_1($1::integer)`,
  ledger_exists: `select to_regclass('{schema}.migration') is not null`,
  read_ledger: `select number, name, applied_at, min_worker from {schema}.migration order by number`,
  add_to_ledger: `insert into {schema}.migration (number, name, applied_at, min_worker)
values ($1::int, $2::text, (extract(epoch from clock_timestamp()) * 1000)::bigint, $3::int)`,
  lock_migrations: `select pg_advisory_xact_lock(hashtextextended('drover migrate {schema}', 0))`,
  invalid_indexes: `select c.relname
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '{schema}' and not i.indisvalid and c.relname = any($1::text[])`,
  read_move: `select value from {schema}.meta where key = 'move'`,
  write_move: `insert into {schema}.meta (key, value) values ('move', $1) on conflict (key) do update set value = excluded.value`,
  forget_move: `delete from {schema}.meta where key = 'move'`,
  lock_move: `select value from {schema}.meta where key = 'move' for update`,
  open_door: `select set_config('drover.move_door', 'open', true)`,
  take_time: `select set_config(name, '0', true)
from pg_settings
where name in ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')`,
  tables_to_shut: `select quote_ident(c.relname)
from pg_class c
where c.relnamespace = '{schema}'::regnamespace and c.relkind = 'r' and c.relname not in ('meta', 'migration')
order by c.relname`,
  leased_workers: `select id from {schema}.worker where ended_at is null and lease_until > {schema}.clock_ms() order by id limit 100`,
  anything: `select
  exists (select from {schema}.job)
  or exists (select from {schema}.worker)
  or exists (select from {schema}.queue)
  or exists (select from {schema}.limits)
  or exists (select from {schema}.schedule)
  or exists (select from {schema}.hold)`,
  workers_out: `select distinct on (id collate "C")
  id,
  token,
  host,
  pid,
  started_at,
  beat_at,
  lease_until,
  info,
  ended_at,
  end_reason
from {schema}.worker
where id collate "C" > $1
order by id collate "C", ref desc
limit $2`,
  workers_in: `insert into {schema}.worker (id, token, host, pid, started_at, beat_at, lease_until, info, ended_at, end_reason)
select
  e ->> 0,
  (e ->> 1)::bigint,
  e ->> 2,
  (e ->> 3)::integer,
  (e ->> 4)::bigint,
  (e ->> 5)::bigint,
  (e ->> 6)::bigint,
  e ->> 7,
  (e ->> 8)::bigint,
  e ->> 9
from jsonb_array_elements($1::text::jsonb) with ordinality t (e, n)
order by n`,
  jobs_out: `select
  j.id,
  l.kind,
  l.queue,
  j.state,
  j.run_at,
  j.priority,
  j.attempt,
  j.token,
  w.id,
  j.failures,
  j.crashes,
  j.interruptions,
  j.max_attempts,
  j.max_crashes,
  j.enqueued_at,
  j.expires_at,
  j.started_at,
  j.finished_at,
  j.cancel_at,
  j.cancel_reason,
  j.cancel_by,
  j.timeout_ms,
  j.input,
  j.tags,
  j.metadata,
  j.retry,
  j.result,
  j.reason,
  j.error,
  encode(j.unique_hash, 'hex'),
  j.unique_states,
  j.unique_until,
  j.unique_label,
  p.at,
  p.value,
  c.kept,
  c.bytes,
  c.dropped,
  j.keys
from {schema}.job j
join {schema}.lane l on l.id = j.lane
left join {schema}.worker w on w.ref = j.worker
left join {schema}.progress p on p.job = j.id
left join {schema}.log_count c on c.job = j.id
where (j.enqueued_at, j.id) > ($1::bigint, $2::uuid)
order by j.enqueued_at, j.id
limit $3`,
  lanes_in: `insert into {schema}.lane (queue, kind)
select distinct e ->> 2, e ->> 1
from jsonb_array_elements($1::text::jsonb) e
on conflict (queue, kind) do nothing`,
  jobs_in: `insert into {schema}.job (
  id,
  run_at,
  enqueued_at,
  token,
  started_at,
  finished_at,
  expires_at,
  unique_until,
  cancel_at,
  timeout_ms,
  attempt,
  failures,
  crashes,
  interruptions,
  max_attempts,
  max_crashes,
  state,
  priority,
  unique_states,
  input,
  tags,
  metadata,
  retry,
  result,
  reason,
  error,
  cancel_reason,
  cancel_by,
  unique_label,
  rank,
  trail,
  stopped_at,
  lane,
  worker,
  cancel_worker,
  waits,
  solo,
  unique_hash
)
select
  (e ->> 0)::uuid,
  (e ->> 4)::bigint,
  (e ->> 14)::bigint,
  (e ->> 7)::bigint,
  (e ->> 16)::bigint,
  (e ->> 17)::bigint,
  (e ->> 15)::bigint,
  (e ->> 31)::bigint,
  (e ->> 18)::bigint,
  (e ->> 21)::bigint,
  (e ->> 6)::integer,
  (e ->> 9)::integer,
  (e ->> 10)::integer,
  (e ->> 11)::integer,
  (e ->> 12)::integer,
  (e ->> 13)::integer,
  (e ->> 3)::smallint,
  (e ->> 5)::smallint,
  (e ->> 30)::smallint,
  e ->> 22,
  e ->> 23,
  e ->> 24,
  e ->> 25,
  e ->> 26,
  e ->> 27,
  e ->> 28,
  e ->> 19,
  e ->> 20,
  e ->> 32,
  (e ->> 5)::smallint * coalesce(q.aging_ms, 8796093022208) + greatest((e ->> 4)::bigint, (e ->> 14)::bigint),
  0,
  case when (e ->> 3)::smallint > 4 then (e ->> 17)::bigint end,
  l.id,
  w.ref,
  case when (e ->> 3)::smallint = 2 and (e ->> 18)::bigint is not null then w.ref end,
  case when (e ->> 3)::smallint in (0, 3) then 0 when (e ->> 3)::smallint = 1 and (e ->> 10)::integer > 0 then 2 when (e ->> 3)::smallint = 1 then 1 end,
  (e ->> 10)::integer > 0,
  decode(e ->> 29, 'hex')
from jsonb_array_elements($1::text::jsonb) e
join {schema}.lane l on l.queue = e ->> 2 and l.kind = e ->> 1
left join {schema}.queue q on q.name = l.queue
left join {schema}.worker w on w.id = e ->> 8`,
  job_keys_in: `update {schema}.job j
set keys = e ->> 38
from jsonb_array_elements($1::text::jsonb) e
where j.id = (e ->> 0)::uuid and e ->> 38 is not null`,
  job_claims_in: `insert into {schema}.claim (worker, seq, token, at, jobs)
select j.worker, nextval('{schema}.trail_seq'), j.token, j.started_at, array[j.id]
from jsonb_array_elements($1::text::jsonb) e
join {schema}.job j on j.id = (e ->> 0)::uuid
where j.state = 2`,
  job_progress_in: `insert into {schema}.progress (job, at, value)
select (e ->> 0)::uuid, (e ->> 33)::bigint, e ->> 34
from jsonb_array_elements($1::text::jsonb) e
where (e ->> 33)::bigint is not null`,
  job_log_counts_in: `insert into {schema}.log_count (job, kept, bytes, dropped)
select (e ->> 0)::uuid, (e ->> 35)::integer, (e ->> 36)::integer, (e ->> 37)::bigint
from jsonb_array_elements($1::text::jsonb) e
where (e ->> 35)::integer is not null`,
  trail_out: `select
  t.seq * 1024 + u.n - 1,
  j.id,
  t.at,
  t.from_state,
  t.to_state,
  coalesce(t.attempts[u.n], 0),
  w.id,
  t.actor,
  t.reasons[u.n],
  t.errors[u.n]
from (
  select r.seq, sum(r.size) over (order by r.seq) - r.size as before
  from (
    select seq, cardinality(jobs) as size
    from {schema}.trail
    where seq >= $1::bigint / 1024 and cardinality(jobs) > 0
    order by seq
    limit $2 + 1
  ) r
) h
join {schema}.trail t on t.seq = h.seq
cross join lateral unnest(t.jobs) with ordinality u (job, n)
left join {schema}.job j on j.id = u.job
left join {schema}.worker w on w.ref = t.worker
where h.before < $2 + 1024 and t.seq * 1024 + u.n - 1 > $1
order by t.seq, u.n
limit $2`,
  trail_heads: `select j.id, j.trail from {schema}.job j where j.id = any ($1::uuid[])`,
  trail_numbers: `select nextval('{schema}.trail_seq') from generate_series(1, $1::integer)`,
  trail_in: `insert into {schema}.trail (
  seq, at, from_state, to_state, worker, actor, jobs, prevs, attempts, reasons, errors, bytes
)
select
  (e ->> 0)::bigint,
  (e ->> 1)::bigint,
  (e ->> 2)::smallint,
  (e ->> 3)::smallint,
  w.ref,
  e ->> 5,
  a.jobs,
  case when e -> 7 <> 'null' then array(
    select v::bigint from jsonb_array_elements_text(e -> 7) with ordinality i (v, n) order by n
  ) end,
  case when e -> 8 <> 'null' then array(
    select v::integer from jsonb_array_elements_text(e -> 8) with ordinality i (v, n) order by n
  ) end,
  case when e -> 9 <> 'null' then array(
    select v from jsonb_array_elements_text(e -> 9) with ordinality i (v, n) order by n
  ) end,
  case when e -> 10 <> 'null' then array(
    select v from jsonb_array_elements_text(e -> 10) with ordinality i (v, n) order by n
  ) end,
  case when (e ->> 3)::smallint >= 4 then (
    select sum(
      256 + octet_length(j.input) + coalesce(octet_length(j.metadata), 0) + coalesce(octet_length(j.error), 0)
      + coalesce(octet_length(j.result), 0)
    )
    from {schema}.job j
    where j.id = any (a.jobs)
  ) end
from jsonb_array_elements($1::text::jsonb) e
cross join lateral (
  select array(
    select v::uuid from jsonb_array_elements_text(e -> 6) with ordinality i (v, n) order by n
  ) as jobs
) a
left join {schema}.worker w on w.id = e ->> 4`,
  trail_heads_in: `update {schema}.job j
set trail = (e ->> 1)::bigint
from jsonb_array_elements($1::text::jsonb) e
where j.id = (e ->> 0)::uuid`,
  holds_out: `select encode(h.hash, 'hex'), j.id, h.folded, h.window_until, t.id
from {schema}.hold h
left join {schema}.job j on j.id = h.job
left join {schema}.job t on t.id = h.window_job
where h.hash > decode($1, 'hex')
order by h.hash
limit $2`,
  holds_in: `insert into {schema}.hold (hash, job, folded, window_until, window_job)
select
  decode(e ->> 0, 'hex'),
  coalesce((e ->> 1)::uuid, '00000000-0000-0000-0000-000000000000'),
  (e ->> 2)::uuid,
  (e ->> 3)::bigint,
  (e ->> 4)::uuid
from jsonb_array_elements($1::text::jsonb) e`,
  logs_out: `select g.seq, g.job, g.attempt, g.at, g.level, g.message, g.fields
from {schema}.log g
join {schema}.job j on j.id = g.job
where g.seq > $1::bigint
order by g.seq
limit $2`,
  logs_in: `insert into {schema}.log (job, attempt, at, level, message, fields)
select (e ->> 0)::uuid, (e ->> 1)::integer, (e ->> 2)::bigint, e ->> 3, e ->> 4, e ->> 5
from jsonb_array_elements($1::text::jsonb) with ordinality t (e, n)
order by n`,
  limits_out: `select id, scope, target, type, by_key, declared::text, generation, setting::text, set_at, set_by, turn
from {schema}.limits
where id > $1
order by id
limit $2`,
  limits_in: `insert into {schema}.limits (
  id, name, scope, target, type, by_key, declared, generation, setting, set_at, set_by, turn
) overriding system value
select
  (e ->> 0)::integer,
  (e ->> 1) || ':' || (e ->> 2) || '#' || (e ->> 3) || case when e ->> 4 = '' then '' else '.' || (e ->> 4) end,
  e ->> 1,
  e ->> 2,
  e ->> 3,
  e ->> 4,
  (e ->> 5)::jsonb,
  (e ->> 6)::bigint,
  (e ->> 7)::jsonb,
  (e ->> 8)::bigint,
  e ->> 9,
  (e ->> 10)::bigint
from jsonb_array_elements($1::text::jsonb) e`,
  limit_ids_in: `select setval(pg_get_serial_sequence('{schema}.limits', 'id'), (select max(id) from {schema}.limits))`,
  limit_starts_out: `select limit_id, key, at, starts
from {schema}.limit_start
where (limit_id, key collate "C", at) > ($1::integer, $2::text, $3::bigint)
order by limit_id, key collate "C", at
limit $4`,
  limit_starts_in: `insert into {schema}.limit_start (limit_id, key, at, starts)
select (e ->> 0)::integer, e ->> 1, (e ->> 2)::bigint, (e ->> 3)::integer
from jsonb_array_elements($1::text::jsonb) e`,
  limit_instants_in: `update {schema}.limits m
set last_at = greatest(m.last_at, s.at)
from (select limit_id, max(at) as at from {schema}.limit_start group by limit_id) s
where m.id = s.limit_id`,
  limit_uses_out: `select u.limit_id, u.key, u.job, u.attempt
from {schema}.limit_use u
join {schema}.job j on j.id = u.job
where (u.limit_id, u.key collate "C", u.job) > ($1::integer, $2::text, $3::uuid)
order by u.limit_id, u.key collate "C", u.job
limit $4`,
  limit_uses_in: `insert into {schema}.limit_use (limit_id, key, job, attempt)
select (e ->> 0)::integer, e ->> 1, (e ->> 2)::uuid, (e ->> 3)::integer
from jsonb_array_elements($1::text::jsonb) e`,
  put_progress: `insert into {schema}.progress (job, at, value)
select j.id, floor(extract(epoch from now()) * 1000)::bigint, $4::text
from {schema}.job j
where j.id = $1::uuid and j.state = 2 and j.attempt = $2::integer and j.token = $3::bigint
for share
on conflict (job) do update set at = excluded.at, value = excluded.value
returning 1`,
  held_attempt: `select 1 from {schema}.job j
where j.id = $1::uuid and j.state = 2 and j.attempt = $2::integer and j.token = $3::bigint
for no key update`,
  add_log: `insert into {schema}.log (job, attempt, at, level, message, fields)
select $1::uuid, (e ->> 0)::integer, (e ->> 1)::bigint, e ->> 2, e ->> 3, e ->> 4
from json_array_elements($2::text::json) with ordinality l (e, n)
order by l.n`,
  put_log_count: `insert into {schema}.log_count (job, kept, bytes, dropped)
values ($1::uuid, $2::integer, $3::integer, $4::bigint)
on conflict (job) do update
set kept = excluded.kept, bytes = excluded.bytes, dropped = excluded.dropped`,
  oldest_log_lines: `select seq, octet_length(message) + octet_length(coalesce(fields, ''))
from {schema}.log
where job = $1::uuid
order by seq
limit $2::integer`,
  delete_log_lines: `delete from {schema}.log where seq = any ($1::bigint[])`,
  finished_jobs: `select id, state, result, reason, error from {schema}.job where id = any ($1::uuid[]) and state >= 4`,
  lock_keys: `select 1
from {schema}.hold h
where h.hash in (select j.unique_hash from {schema}.job j where j.id = any ($1::uuid[]) and j.unique_hash is not null)
order by h.hash
for update`,
  act: `select s.id, {schema}.act_1($1::text, s.id, $3::text, $4::text)
from unnest($2::uuid[]) with ordinality s (id, n)
order by s.n`,
  delete_jobs: `select {schema}.delete_jobs_1($1::uuid[])`,
  edited_job: `select
  j.state,
  j.attempt,
  j.trail,
  l.queue,
  l.kind,
  j.priority,
  j.run_at,
  j.enqueued_at,
  j.solo,
  {schema}.clock_ms(),
  j.keys
from {schema}.job j
join {schema}.lane l on l.id = j.lane
where j.id = $1::uuid
for no key update of j`,
  edit_job: `update {schema}.job j
set
  lane = {schema}.lane_1($2::text, $3::text),
  state = $4::smallint,
  waits = $5::smallint,
  run_at = $6::bigint,
  priority = $7::smallint,
  rank = $7::bigint * coalesce((select q.aging_ms from {schema}.queue q where q.name = $2::text), 8796093022208) + $8::bigint,
  expires_at = j.expires_at + $9::bigint,
  max_attempts = coalesce($10::integer, j.max_attempts),
  timeout_ms = case when $11::boolean then $12::bigint else j.timeout_ms end,
  tags = case when $13::boolean then $14::text else j.tags end,
  metadata = case when $15::boolean then $16::text else j.metadata end,
  retry = case when $17::boolean then $18::text else j.retry end,
  input = coalesce($19::text, j.input),
  keys = $23::text,
  trail = {schema}.note_1(
    j.id, j.trail, $20::bigint, j.state, $4::integer, j.attempt, null, $21::text, $22::text, null, null)
where j.id = $1::uuid`,
  put_queue: `with before as (
  select q.aging_ms from {schema}.queue q where q.name = $1::text for update
)
insert into {schema}.queue as q (name, paused_at, slots, aging_ms, aged_at, updated_at, updated_by)
values (
  $1::text, case when $2::boolean then {schema}.clock_ms() end, $4::integer, $6::bigint,
  case when $6::bigint is not null then {schema}.clock_ms() end, {schema}.clock_ms(), $7::text
)
on conflict (name) do update
set
  paused_at = case
    when $2::boolean is null then q.paused_at
    when $2::boolean then coalesce(q.paused_at, excluded.paused_at)
  end,
  slots = case when $3::boolean then excluded.slots else q.slots end,
  aging_ms = case when $5::boolean then excluded.aging_ms else q.aging_ms end,
  aged_at = case when $5::boolean and q.aging_ms is distinct from excluded.aging_ms then {schema}.clock_ms() else q.aged_at end,
  updated_at = excluded.updated_at,
  updated_by = excluded.updated_by
returning paused_at is not null, slots, aging_ms, (select b.aging_ms from before b)`,
  rerank_waiting: `update {schema}.job j
set rank = j.priority::bigint * $2::bigint + greatest(j.run_at, j.enqueued_at)
from {schema}.lane l
where l.queue = $1::text and j.lane = l.id and (j.waits = 0 or j.waits = 1 or j.waits = 2 or j.waits = 3 or j.waits = 4 or j.waits = 5)
  and j.rank <> j.priority::bigint * $2::bigint + greatest(j.run_at, j.enqueued_at)`,
  misplaced_queues: `select q.name, q.aging_ms from {schema}.queue q
where q.aged_at > {schema}.clock_ms() - 3600000 and exists (
  select from {schema}.lane l
  join {schema}.job j on j.lane = l.id and (j.waits = 0 or j.waits = 1 or j.waits = 2 or j.waits = 3 or j.waits = 4 or j.waits = 5)
  where l.queue = q.name
    and j.rank <> j.priority::bigint * coalesce(q.aging_ms, 8796093022208) + greatest(j.run_at, j.enqueued_at)
)`,
  peek: `with clock as materialized (
  select floor(extract(epoch from now()) * 1000)::bigint as now
)
select 0 as what, null::text as name,
  coalesce((
    select case when w.lease_until > clock.now then 1 else 2 end
    from {schema}.worker w where w.ref = $1::integer and w.token = $2::bigint and w.ended_at is null
  ), 0)::bigint as a,
  null::bigint as b, null::bigint as c, null::bigint as d, null::text as reason
from clock
union all
select 1, j.id::text, j.attempt, null, null, null, j.cancel_reason
from {schema}.job j
where j.cancel_worker is not null and j.cancel_worker = $1::integer and j.state = 2
union all
select 2, q.name, (q.paused_at is not null)::integer, q.slots, q.aging_ms, null, null
from {schema}.queue q
union all
select 3, null, l.id,
  (
    (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 and j.rank < l.below limit 1) is not null
    or (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 and j.rank >= l.low limit 1) is not null
  )::integer
  + coalesce((select 2 from {schema}.job j where j.lane = l.id and j.waits = 2 limit 1), 0)
  + coalesce((
    select case when d.solo then 12 else 4 end from {schema}.job d
    where d.lane = l.id and d.waits = 0 and d.run_at <= clock.now order by d.run_at, d.id limit 1
  ), 0)
  + 16 * (
    (select 1 from {schema}.limited_lane x where x.lane = l.id limit 1) is not null
    or (select 1 from {schema}.track t where t.lane = l.id limit 1) is not null
    or (select 1 from {schema}.job d where d.lane = l.id and d.waits = 5 limit 1) is not null
  )::integer,
  (
    select d.run_at - clock.now from {schema}.job d
    where d.lane = l.id and d.waits = 0 and d.run_at > clock.now order by d.run_at limit 1
  ),
  null, null
from clock, unnest($3::integer[], $4::bigint[], $5::bigint[]) l (id, below, low)
order by 1, 2`,
  peek_limits: `select lane, is_open, free_at, ordinary, alone, window_at, spread, due, due_at, now_at
from {schema}.look_1($1::integer[])`,
  job_rows: `select
  j.id,
  l.kind,
  l.queue,
  j.state,
  j.priority,
  j.attempt,
  j.failures,
  j.crashes,
  j.interruptions,
  j.max_attempts,
  j.max_crashes,
  j.timeout_ms,
  j.retry,
  j.enqueued_at,
  j.run_at,
  j.expires_at,
  j.started_at,
  j.finished_at,
  j.cancel_at,
  j.cancel_by,
  w.id as worker,
  j.input,
  j.result,
  j.metadata,
  j.tags,
  j.error,
  j.reason,
  j.unique_label,
  p.value as progress,
  p.at as progress_at
from unnest($1::uuid[]) with ordinality s (id, n)
join {schema}.job j on j.id = s.id
join {schema}.lane l on l.id = j.lane
left join {schema}.worker w on w.ref = j.worker
left join {schema}.progress p on p.job = j.id
order by s.n`,
  trail_of_job: `with recursive chain (n, depth) as (
  select j.trail, 1 from {schema}.job j where j.id = $1::uuid
  union all
  select t.prevs[(c.n % 1024) + 1], c.depth + 1
  from chain c
  join {schema}.trail t on t.seq = c.n / 1024
  where t.prevs[(c.n % 1024) + 1] is not null and c.depth < $2::integer
)
select
  c.n,
  j.id,
  l.kind,
  l.queue,
  t.at,
  t.from_state,
  t.to_state,
  coalesce(t.attempts[(c.n % 1024) + 1], 0),
  w.id,
  t.actor,
  t.reasons[(c.n % 1024) + 1],
  t.errors[(c.n % 1024) + 1]
from chain c
join {schema}.trail t on t.seq = c.n / 1024
join {schema}.job j on j.id = $1::uuid
join {schema}.lane l on l.id = j.lane
left join {schema}.worker w on w.ref = t.worker
order by c.depth desc`,
  trail_after: `select
  t.seq * 1024 + u.n - 1,
  j.id,
  l.kind,
  l.queue,
  t.at,
  t.from_state,
  t.to_state,
  coalesce(t.attempts[u.n], 0),
  w.id,
  t.actor,
  t.reasons[u.n],
  t.errors[u.n]
from {schema}.trail t
cross join lateral unnest(t.jobs) with ordinality u (id, n)
cross join lateral (select e.id, e.lane from {schema}.job e where e.id = u.id limit 1) j
join {schema}.lane l on l.id = j.lane
left join {schema}.worker w on w.ref = t.worker
where t.seq >= ($1::bigint + 1) / 1024 and t.seq * 1024 + u.n - 1 > $1::bigint and t.seq <= $2::bigint
order by t.seq, u.n
limit $3::integer`,
  trail_drawn: `select case when is_called then last_value else 0 end from {schema}.trail_seq`,
  trail_writers: `select distinct virtualtransaction
from pg_locks
where locktype = 'relation'
  and relation = '{schema}.trail'::regclass
  and database = (select oid from pg_database where datname = current_database())
  and mode = 'RowExclusiveLock'
  and granted`,
  log_lines: `select attempt, at, level, message, fields from {schema}.log where job = $1::uuid order by seq`,
  log_count: `select kept, bytes, dropped from {schema}.log_count where job = $1::uuid`,
  all_queues: `select name, paused_at, slots, aging_ms from {schema}.queue order by name`,
  count_waiting: `select
  l.queue,
  d.scheduled,
  d.retryable,
  (select count(*) from (
    (select 1 from {schema}.job j where j.lane = l.id and j.waits = 1 limit $1::integer)
    union all
    (select 1 from {schema}.job j where j.lane = l.id and j.waits = 2 limit $1::integer)
    union all
    (select 1 from {schema}.track t join {schema}.job j on j.track = t.id and (j.waits = 3 or j.waits = 4)
      where t.lane = l.id limit $1::integer)
  ) ready),
  least(
    (select j.run_at from {schema}.job j where j.lane = l.id and j.waits = 0 order by j.run_at limit 1),
    (select min(j.run_at) from {schema}.job j where j.lane = l.id and j.waits = 2),
    (select j.run_at from {schema}.job j where j.lane = l.id and j.waits = 5 order by j.run_at limit 1),
    (select min(f.run_at) from (select t.id from {schema}.track t where t.lane = l.id limit 1000) t
      cross join lateral (
        select j.run_at from {schema}.job j
        where j.track = t.id and (j.waits = 3 or j.waits = 4) order by j.rank, j.id limit 1
      ) f),
    (with recursive step (run_at, priority, n) as (
      (select j.run_at, j.priority, 1
        from {schema}.job j where j.lane = l.id and j.waits = 1 order by j.rank, j.id limit 1)
      union all
      select x.run_at, x.priority, s.n + 1
      from step s
      cross join lateral (
        select j.run_at, j.priority
        from {schema}.job j
        where j.lane = l.id and j.waits = 1 and j.rank >= (s.priority + 1)::bigint * 8796093022208
        order by j.rank, j.id
        limit 1
      ) x
      where s.n < 50
    ) select min(s.run_at) from step s)
  )
from {schema}.lane l
cross join lateral (
  select count(*) filter (where w.state = 0) as scheduled, count(*) filter (where w.state = 3) as retryable
  from (
    (select j.state from {schema}.job j where j.lane = l.id and j.waits = 0 limit $1::integer)
    union all
    (select j.state from {schema}.job j where j.lane = l.id and j.waits = 5 limit $1::integer)
  ) w
) d`,
  count_running: `select l.queue, count(*)
from {schema}.job j
join {schema}.lane l on l.id = j.lane
where j.id in (select unnest(c.jobs) from {schema}.claim c) and j.state = 2
group by l.queue`,
  count_stopped: `select l.queue, s.state, count(*)
from (
  select j.lane, j.state from {schema}.job j where j.stopped_at is not null order by j.stopped_at desc limit $1::integer
) s
join {schema}.lane l on l.id = s.lane
group by l.queue, s.state`,
  count_completed: `select l.queue, count(*)
from (
  select j.lane
  from (
    select t.seq, t.jobs from {schema}.trail t where t.to_state = 4 order by t.at desc, t.seq desc limit $1::integer
  ) t
  cross join lateral unnest(t.jobs) u (id)
  cross join lateral (
    select e.lane from {schema}.job e where e.id = u.id and e.state = 4 and e.trail / 1024 = t.seq limit 1
  ) j
  limit $1::integer
) c
join {schema}.lane l on l.id = c.lane
group by l.queue`,
  store_time: `select floor(extract(epoch from now()) * 1000)::bigint`,
  schedule_by_name: `select
  s.name,
  s.version,
  s.deployment,
  s.declared,
  s.changed,
  s.anchor_at,
  s.next_at,
  s.fire_at,
  s.held_at,
  s.paused_at,
  s.retired_at,
  s.deleted_at,
  s.failure,
  s.last_at,
  s.last_job,
  s.created_at,
  s.updated_at,
  s.updated_by,
  s.id,
  s.ticks
from {schema}.schedule s
where s.name = $1::text`,
  lock_schedules: `select
  s.name,
  s.version,
  s.deployment,
  s.declared,
  s.changed,
  s.anchor_at,
  s.next_at,
  s.fire_at,
  s.held_at,
  s.paused_at,
  s.retired_at,
  s.deleted_at,
  s.failure,
  s.last_at,
  s.last_job,
  s.created_at,
  s.updated_at,
  s.updated_by,
  s.id,
  s.ticks,
  {schema}.clock_ms()
from {schema}.schedule s
where s.name = any ($1::text[])
order by s.name
for update`,
  schedules_after: `select
  s.name,
  s.version,
  s.deployment,
  s.declared,
  s.changed,
  s.anchor_at,
  s.next_at,
  s.fire_at,
  s.held_at,
  s.paused_at,
  s.retired_at,
  s.deleted_at,
  s.failure,
  s.last_at,
  s.last_job,
  s.created_at,
  s.updated_at,
  s.updated_by,
  s.id,
  s.ticks
from {schema}.schedule s
where s.name > $1::text
order by s.name
limit $2::integer`,
  due_schedules: `select
  s.name,
  s.version,
  s.deployment,
  s.declared,
  s.changed,
  s.anchor_at,
  s.next_at,
  s.fire_at,
  s.held_at,
  s.paused_at,
  s.retired_at,
  s.deleted_at,
  s.failure,
  s.last_at,
  s.last_job,
  s.created_at,
  s.updated_at,
  s.updated_by,
  s.id,
  s.ticks
from {schema}.schedule s
where s.fire_at <= $1::bigint
order by s.fire_at, s.id
limit $2::integer`,
  next_schedule: `select fire_at from {schema}.schedule where fire_at > $1::bigint order by fire_at limit 1`,
  held_schedules: `select
  s.name,
  s.version,
  s.deployment,
  s.declared,
  s.changed,
  s.anchor_at,
  s.next_at,
  s.fire_at,
  s.held_at,
  s.paused_at,
  s.retired_at,
  s.deleted_at,
  s.failure,
  s.last_at,
  s.last_job,
  s.created_at,
  s.updated_at,
  s.updated_by,
  s.id,
  s.ticks
from {schema}.schedule s
where s.held_at is not null
  and s.paused_at is null
  and s.retired_at is null
  and s.deleted_at is null
  and s.failure is null
  and not exists (select from {schema}.job j where j.id = s.last_job and j.state < 4)
order by s.held_at
limit $1::integer`,
  any_held: `select 1
from {schema}.schedule s
where s.held_at is not null
  and s.paused_at is null
  and s.retired_at is null
  and s.deleted_at is null
  and s.failure is null
limit 1`,
  add_schedule: `insert into {schema}.schedule (
  name, version, deployment, declared, changed, anchor_at, next_at, fire_at, held_at, paused_at, retired_at,
  deleted_at, failure, ticks, created_at, updated_at, updated_by)
select
  $1::text, 1, $2::text, $3::text, $4::text, coalesce($5::bigint, c.now), $6::bigint, $7::bigint, $8::bigint,
  case when $9::boolean then c.now end, case when $10::boolean then c.now end, case when $11::boolean then c.now end,
  $12::text, 0, c.now, c.now, $13::text
from (select {schema}.clock_ms() as now) c
on conflict (name) do nothing
returning id`,
  put_schedule: `update {schema}.schedule s
set
  version = s.version + 1,
  deployment = $1::text,
  declared = $2::text,
  changed = $3::text,
  anchor_at = coalesce($4::bigint, s.anchor_at),
  next_at = $5::bigint,
  fire_at = $6::bigint,
  held_at = $7::bigint,
  paused_at = case when $8::boolean then coalesce(s.paused_at, c.now) end,
  retired_at = case when $9::boolean then coalesce(s.retired_at, c.now) end,
  deleted_at = case when $10::boolean then coalesce(s.deleted_at, c.now) end,
  failure = $11::text,
  updated_at = c.now,
  updated_by = $12::text
from (select {schema}.clock_ms() as now) c
where s.id = $13::integer
returning s.id`,
  move_schedules: `update {schema}.schedule s
set
  version = s.version + 1,
  next_at = m.next_at,
  fire_at = m.fire_at,
  held_at = m.held_at,
  last_at = m.last_at,
  last_job = m.last_job,
  failure = m.failure,
  ticks = m.ticks
from json_to_recordset($1::text::json) as m (
  id integer, next_at bigint, fire_at bigint, held_at bigint, last_at bigint, last_job uuid, failure text, ticks bigint)
where s.id = m.id
returning s.id`,
  count_ticks: `update {schema}.schedule set ticks = $1::bigint where id = $2::integer returning id`,
  delete_schedule: `delete from {schema}.schedule where id = $1::integer returning id`,
  delete_ticks: `delete from {schema}.tick where schedule = $1::integer returning n`,
  add_ticks: `insert into {schema}.tick (schedule, n, at, through_at, count, job, reason, actor, recorded_at)
select t.schedule, t.n, t.at, t.through_at, t.count, t.job, t.reason, t.actor, {schema}.clock_ms()
from json_to_recordset($1::text::json) as t (
  schedule integer, n bigint, at bigint, through_at bigint, count bigint, job uuid, reason text, actor text)
order by t.schedule, t.n
on conflict do nothing
returning n`,
  planned_ticks: `select t.schedule, t.at, t.job
from {schema}.tick t
join unnest($1::integer[], $2::bigint[]) as w (schedule, at) on w.schedule = t.schedule and w.at = t.at
where t.actor is null`,
  release_tick: `update {schema}.tick
set job = $1::text::uuid, reason = null
where schedule = $2::integer and at = $3::bigint and actor is null and job is null
returning n`,
  forget_ticks: `delete from {schema}.tick where schedule = $1::integer and n <= $2::bigint returning n`,
  ticks_before: `select n, at, through_at, count, job, reason, actor, recorded_at
from {schema}.tick
where schedule = $1::integer and n < $2::bigint
order by n desc
limit $3::integer`,
  unfinished_jobs: `select id from {schema}.job where id = any ($1::uuid[]) and state < 4`,
  add_schedule_change: `insert into {schema}.schedule_change (id, schedule, at, actor, action, detail)
values ($1::text, $2::text, {schema}.clock_ms(), $3::text, $4::text, $5::text)
on conflict (id) do nothing
returning seq`,
  schedule_change_by_id: `select seq from {schema}.schedule_change where id = $1::text`,
  changes_of_schedule: `select seq, schedule, at, actor, action, detail
from {schema}.schedule_change
where schedule = $1::text and seq < $2::bigint
order by seq desc
limit $3::integer`,
  changes_of_schedules: `select seq, schedule, at, actor, action, detail
from {schema}.schedule_change
where seq < $1::bigint
order by seq desc
limit $2::integer`,
  lock_configs: `lock table {schema}.schedule_config in share row exclusive mode`,
  newest_config: `select generation, hash from {schema}.schedule_config
where deployment = $1::text
order by generation desc
limit 1`,
  config_by_hash: `select max(generation) from {schema}.schedule_config where deployment = $1::text and hash = $2::text`,
  add_config: `insert into {schema}.schedule_config (deployment, generation, hash, at)
values ($1::text, $2::bigint, $3::text, {schema}.clock_ms())
on conflict do nothing
returning generation`,
  forget_configs: `delete from {schema}.schedule_config where deployment = $1::text and generation < $2::bigint returning generation`,
  settle_session: `select
  set_config('statement_timeout', $2, false),
  set_config('lock_timeout', $3, false),
  set_config('idle_in_transaction_session_timeout', $4, false),
  set_config('idle_session_timeout', '0', false),
  case
    when current_setting('transaction_timeout', true) is not null
      then set_config('transaction_timeout', $5, false)
  end,
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('synchronous_commit', coalesce($6, current_setting('synchronous_commit')), false),
  set_config('jit', 'off', false),
  set_config('plan_cache_mode', 'force_generic_plan', false),
  set_config('enable_seqscan', 'off', false)
where pg_backend_pid() = $1::int`,
  server_facts: `select
  current_setting('server_version_num')::int,
  current_setting('server_version'),
  current_setting('server_encoding'),
  pg_is_in_recovery()`,
  tell_change: `select pg_notify($1::text, $2::text)`,
  read_term: `select term, token, candidate, host, pid, info, elected_at, renewed_at, until_at, {schema}.clock_ms()
from {schema}.term`,
  live_term: `select 1 from {schema}.term
where term = $1::bigint and token = $2::bigint and until_at > {schema}.clock_ms()
for key share`,
  begin_term: `update {schema}.term
set
  term = term.term + 1,
  token = $1::bigint,
  candidate = $2::text,
  host = $3::text,
  pid = $4::integer,
  info = $5::text,
  elected_at = {schema}.clock_ms(),
  renewed_at = {schema}.clock_ms(),
  until_at = {schema}.clock_ms() + $6::bigint
where token is null or until_at <= {schema}.clock_ms()
returning term`,
  renew_term: `update {schema}.term
set renewed_at = {schema}.clock_ms(), until_at = {schema}.clock_ms() + $3::bigint
where term = $1::bigint and token = $2::bigint and until_at > {schema}.clock_ms()
returning term`,
  resign_term: `update {schema}.term
set token = null, until_at = {schema}.clock_ms()
where term = $1::bigint and token = $2::bigint and until_at > {schema}.clock_ms()
returning term`,
  read_turn: `select at + $2::bigint - {schema}.clock_ms() from {schema}.turn where service = $1::text`,
  take_turn: `insert into {schema}.turn (service, at, term)
values ($1::text, {schema}.clock_ms(), $2::bigint)
on conflict (service) do update set at = excluded.at, term = excluded.term
where turn.at + $3::bigint <= excluded.at
returning at`,
  term_took_turns: `select count(*) from {schema}.turn where term = $1::bigint`,
  idle_workers: `select w.ref
from {schema}.worker w
where w.ended_at < coalesce((select t.at from {schema}.trail t order by t.seq limit 1), 9223372036854775807)
  and not exists (select from {schema}.claim c where c.worker = w.ref)
limit 1`,
  ended_workers: `delete from {schema}.worker
where ref in (
  select w.ref
  from {schema}.worker w
  where w.ended_at < coalesce((select t.at from {schema}.trail t order by t.seq limit 1), 9223372036854775807)
    and not exists (select from {schema}.claim c where c.worker = w.ref)
  limit $1::integer
)
returning ref`,
  silent_queues: `select name from {schema}.queue
where paused_at is null and slots is null and aging_ms is null and updated_at < {schema}.clock_ms() - $1::bigint
limit $2::integer
for update skip locked`,
  delete_queue: `delete from {schema}.queue where name = any ($1::text[]) returning name`,
  add_sample: `insert into {schema}.sample (at, queue, counts, oldest_wait_ms)
values ({schema}.clock_ms(), $1::text, $2::integer[], $3::bigint)
on conflict (at, queue) do nothing`,
  forget_samples: `delete from {schema}.sample
where (at, queue) in (
  select s.at, s.queue from {schema}.sample s where s.at < {schema}.clock_ms() - $1::bigint order by s.at, s.queue
  limit $2::integer
)
returning at`,
  samples_of_all: `select at, queue, counts, oldest_wait_ms
from {schema}.sample
where at >= {schema}.clock_ms() - $1::bigint
order by at desc, queue desc
limit $2::integer`,
  samples_of_queue: `select at, queue, counts, oldest_wait_ms
from {schema}.sample
where queue = $1::text and at >= {schema}.clock_ms() - $2::bigint
order by at desc
limit $3::integer`,
  own_backend: `select pg_backend_pid()`,
  settle_rebuild: `select
  set_config('lock_timeout', '5s', false),
  set_config('statement_timeout', '0', false),
  case
    when current_setting('transaction_timeout', true) is not null
      then set_config('transaction_timeout', '0', false)
  end`,
  cancel_backend: `select pg_cancel_backend($1::integer)`,
  register_worker: `insert into {schema}.worker (id, token, host, pid, started_at, beat_at, lease_until, info)
select $1::text, $2::bigint, $3::text, $4::integer, now, now, now + $5::bigint, $6::text
from (select {schema}.clock_ms() as now) clock
on conflict (id) where ended_at is null do update
set beat_at = excluded.beat_at, lease_until = excluded.lease_until
where worker.token = excluded.token
returning ref`,
  replace_worker: `update {schema}.worker
set ended_at = {schema}.clock_ms(), end_reason = 'its worker registered again'
where id = $1::text and ended_at is null and token <> $2::bigint
returning ref`,
  beat_worker: `update {schema}.worker
set beat_at = {schema}.clock_ms(), lease_until = {schema}.clock_ms() + $3::bigint
where ref = $1::integer and token = $2::bigint and ended_at is null
returning ref`,
  retire_worker: `update {schema}.worker
set ended_at = {schema}.clock_ms(), end_reason = 'its worker stopped'
where ref = $1::integer and token = $2::bigint and ended_at is null
returning ref`,
  lost_workers: `select w.ref, w.id, w.ended_at is not null, coalesce(w.end_reason, '')
from {schema}.worker w
where (w.ended_at is null and (
    ($2::boolean and w.lease_until < floor(extract(epoch from now()) * 1000)::bigint)
    or w.id = any ($1::text[])
  ))
  or (w.ended_at is not null and w.ref in (select c.worker from {schema}.claim c))
order by w.lease_until
limit $3::integer`,
  next_lease_end: `select min(w.lease_until) - floor(extract(epoch from now()) * 1000)::bigint
from {schema}.worker w
where w.ended_at is null and w.lease_until >= floor(extract(epoch from now()) * 1000)::bigint`,
  end_lost_worker: `update {schema}.worker
set ended_at = {schema}.clock_ms(), end_reason = $3::text
where ref = $1::integer and ended_at is null
  and ($2::boolean or lease_until < floor(extract(epoch from now()) * 1000)::bigint)
returning ref`,
  hand_back: `select job_id, lane, attempt, crashes, state
from {schema}.hand_back_2($1::integer, $2::boolean, $3::text, $4::text, $5::integer)`,
  close_idle_claims: `delete from {schema}.claim c
where c.at < floor(extract(epoch from now()) * 1000)::bigint - $1::bigint
  and not exists (
    select from unnest(c.jobs) u (id) join {schema}.job j on j.id = u.id
    where j.state = 2 and j.worker = c.worker and j.token = c.token
  )`,
  has_idle_claims: `select exists (
  select from {schema}.claim c
  where c.at < floor(extract(epoch from now()) * 1000)::bigint - $1::bigint
    and not exists (
      select from unnest(c.jobs) u (id) join {schema}.job j on j.id = u.id
      where j.state = 2 and j.worker = c.worker and j.token = c.token
    )
)`,
  own_worker: `select 1 from {schema}.worker where ref = $1::integer and token = $2::bigint and ended_at is not null`,
  live_workers: `select
  w.id, w.host, w.pid, w.started_at, w.beat_at, w.lease_until,
  (
    select count(*)
    from {schema}.claim c
    cross join lateral unnest(c.jobs) u (id)
    join {schema}.job j on j.id = u.id
    where c.worker = w.ref and j.state = 2 and j.worker = w.ref and j.token = c.token
  ),
  w.info
from {schema}.worker w
where w.ended_at is null
order by w.ref
limit 1000`,
} as const
