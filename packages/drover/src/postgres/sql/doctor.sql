-- name: oldest_transactions
-- Called by doctor: transactions that have been open for longer than so many ms, oldest first. Of sessions of other roles
-- only those see more than that they are there who may read all statistics.
select a.pid, coalesce(a.application_name, ''), coalesce(a.state, ''),
  (extract(epoch from now() - a.xact_start) * 1000)::bigint
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
  and a.xact_start < now() - $1::bigint * interval '1 ms'
order by a.xact_start
limit 10;

-- name: oldest_xmins
-- Called by doctor: who keeps dead rows from being cleared away, the worst first: sessions, replication slots and
-- prepared transactions.
select h.what, h.name, h.xids
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
limit 5;

-- name: dead_rows
-- Called by doctor: tables of ours with many rows that are dead and not cleared away.
select s.relname::text, s.n_dead_tup, s.n_live_tup, greatest(s.last_vacuum, s.last_autovacuum)::text
from pg_stat_user_tables s
where s.schemaname = '{schema}' and s.n_dead_tup > greatest($1::bigint, s.n_live_tup / 5)
order by s.n_dead_tup desc;

-- name: index_sizes
-- Called by doctor: the indexes of ours that are larger than so many pages, with the rows that they hold and the width
-- of their keys.
select c.relname::text, c.relpages::bigint, c.reltuples::float8, (
  select coalesce(sum(coalesce(st.avg_width, case when a.attlen > 0 then a.attlen else 32 end)), 16)
  from pg_attribute a
  left join pg_stats st on st.schemaname = '{schema}' and st.tablename = t.relname and st.attname = a.attname
  where a.attrelid = c.oid
)::integer
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '{schema}' and c.relpages > $1::integer;

-- name: broken_indexes
-- Called by doctor: indexes of ours that a build left invalid.
select c.relname::text
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '{schema}' and not i.indisvalid;

-- name: missing_grants
-- Called by doctor: what a worker needs and this role may not, what matters most first.
select g.what, g.privilege
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
order by g.place, g.what, g.privilege;

-- name: server_health
-- Called by doctor: settings and counters of the server, one row.
select
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
  pg_has_role(current_user, 'pg_read_all_stats', 'usage');

-- name: tables_without_vacuum
-- Called by doctor: tables of ours that nobody cleans.
select c.relname::text
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '{schema}' and c.relkind = 'r' and exists (
    select from unnest(c.reloptions) o (setting) where o.setting ~* '^autovacuum_enabled=(off|of|false|f|no|n|0)$'
  );

-- name: long_lock_waits
-- Called by doctor: who has waited for a lock on a table of ours for longer than so many ms, and for whom.
select l.pid, coalesce(a.application_name, ''), l.mode, c.relname::text, pg_blocking_pids(l.pid),
  (extract(epoch from now() - l.waitstart) * 1000)::bigint
from pg_locks l
join pg_class c on c.oid = l.relation
join pg_namespace n on n.oid = c.relnamespace
left join pg_stat_activity a on a.pid = l.pid
where not l.granted and n.nspname = '{schema}' and l.waitstart < now() - $1::bigint * interval '1 ms'
  and l.database = (select d.oid from pg_database d where d.datname = current_database())
order by l.waitstart
limit 10;

-- name: stuck_workers
-- Called by doctor: workers whose lease ended so many ms ago, with what they still hold. By worker_live, claim and the
-- primary key of job.
select w.id, count(distinct j.id)
from {schema}.worker w
join {schema}.claim c on c.worker = w.ref
cross join lateral unnest(c.jobs) u (id)
join {schema}.job j on j.id = u.id and j.state = 2 and j.worker = w.ref
where w.ended_at is null and w.lease_until < floor(extract(epoch from now()) * 1000)::bigint - $1::bigint
group by w.id
limit 1000;

-- name: worker_infos
-- Called by doctor: what the live workers say of themselves. By worker_live.
select w.info from {schema}.worker w
where w.ended_at is null and w.lease_until >= floor(extract(epoch from now()) * 1000)::bigint
limit 1000;

-- name: ignored_cancels
-- Called by doctor: running jobs whose cancel was requested so many ms ago. By job_cancelled.
select j.id, l.kind
from {schema}.job j
join {schema}.lane l on l.id = j.lane
where j.cancel_worker is not null and j.state = 2
  and j.cancel_at < floor(extract(epoch from now()) * 1000)::bigint - $1::bigint
order by j.cancel_at
limit 100;

-- name: oldest_due
-- Called by doctor: for each lane of a queue that is not paused, how long its oldest job that is due has waited. The
-- first rows of three partial indexes for each.
select d.queue, d.kind, floor(extract(epoch from now()) * 1000)::bigint - d.at
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
order by d.at;
