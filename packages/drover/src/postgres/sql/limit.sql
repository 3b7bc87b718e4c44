-- name: read_limits
-- Called by limits, declareLimits and reconcileLimits. As many rows as limits were ever declared or set.
select
  m.id, m.scope, m.target, m.type, m.by_key, m.declared::text, m.generation, m.setting::text, m.set_at, m.set_by
from {schema}.limits m
order by m.name;

-- name: put_declared
-- Called by declareLimits when something changed. Stops all claims for a moment.
select {schema}.declare_limits_1($1::bigint, $2::text::jsonb, $3::text[], $4::text[]);

-- name: put_setting
-- Called by setLimit. Stops all claims for a moment.
select {schema}.set_limit_1($1::text, $2::text, $3::text, $4::text, $5::text, $6::text::jsonb, $7::text)::text;

-- name: busiest_uses
-- Called by limits for each limit of concurrency. Its range of the primary key, which is as long as what runs.
select u.key, count(*)
from {schema}.limit_use u
join {schema}.job j on j.id = u.job and j.state = 2 and j.attempt = u.attempt
where u.limit_id = $1::integer
group by u.key;

-- name: busiest_starts
-- Called by limits for each rate. Its rows in the window.
select s.key, sum(s.starts)
from {schema}.limit_start s
where s.limit_id = $1::integer and s.at > floor(extract(epoch from now()) * 1000)::bigint - $2::bigint
group by s.key;

-- name: count_blocked
-- Called by limits for keyed ones: what waits in the tracks that are blocked by it. Bounded walks of job_track.
select count(*)
from (
  select 1
  from (select t.id from {schema}.track t where t.blocked_limit = $1::integer limit 1000) t
  cross join lateral (
    select 1 from {schema}.job j where j.track = t.id and (j.waits = 3 or j.waits = 4) limit $2::integer
  ) j
  limit $2::integer
) w;

-- name: count_held_back
-- Called by limits for those over all: what waits in the lanes of one that has no room. Bounded walks of what is ready.
select count(*)
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
) w;

-- name: needs_repair
-- Called by reconcileLimits, to see whether there is anything to do.
select
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
  );

-- name: repair_limits
-- Called by reconcileLimits in the leader's transaction.
select cleared, opened from {schema}.repair_limits_1($1::integer);
