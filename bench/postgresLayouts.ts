/**
 * Layouts of the job tables that were measured.
 *
 * - `one`: one table, partial indexes on the state, an entry of the trail for each transition.
 * - `split`: waiting and running jobs in one table, finished ones moved to another.
 * - `marker`: one table whose indexes name no column that a settle changes; the trail has one row for each batch.
 * - `once`: as `marker`, but a claim locks its jobs and writes none of their rows: a job is written when it ends. What such
 *   a store could win at most, because nothing here keeps two claimers from the same job: with `--flights 1` only.
 * - `open`: as `once`, and safe: the transaction of a claim stays open until its jobs have ended and are written. A row of
 *   `claim` is committed by another connection before, from which a rescue could tell what a dead process had begun.
 * - `never`: as `once`, and what ends is a row of the trail alone. The price of reading jobs and of their history.
 */
export interface Layout {
  readonly schema: string
  /** Inserts `$1` jobs. */
  readonly enqueue: string
  /** Inserts `$1` finished jobs, before there are others. */
  readonly history: string
  /** Settles ids, attempts, tokens, previous entries (`$1` to `$4`) and claims `$5` under token `$6` from rank `$7`. */
  readonly exchange: string
  readonly tables: readonly string[]
  /** Whether `$7` and `$8` are rank and id of the job that was claimed last, because claimed jobs stay in the index. */
  readonly goesOn?: boolean
  /** Statements of one transaction instead of `exchange`: locks `$1` jobs from rank `$2`; ends them under token `$3`. */
  readonly open?: { readonly claim: string; readonly witness: string; readonly settle: string }
}

const NOW = "(extract(epoch from now()) * 1000)::bigint"
const BODY = `
  rank bigint not null, run_at bigint not null, enqueued_at bigint not null, trail bigint not null,
  token bigint, started_at bigint, finished_at bigint, expires_at bigint, cancel_at bigint, unique_until bigint,
  lane integer not null, attempt integer not null default 0, worker integer, failures integer not null default 0,
  crashes integer not null default 0, interruptions integer not null default 0, max_attempts integer not null,
  max_crashes integer not null, timeout_ms integer, bytes integer not null default 0, unique_states integer,
  state smallint not null, priority smallint not null,
  input text, tags text, metadata text, retry text, result text, reason text, error text,
  unique_hash bytea, unique_label text, cancel_reason text, cancel_by text`
const NEW_ID = "('019b0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
const PER_JOB_TRAIL = `create table trail (
  seq bigint primary key, prev bigint, job uuid not null, at bigint not null, from_state smallint,
  to_state smallint not null, attempt integer not null, worker integer, actor text, reason text, error text)`
const VACUUM =
  "autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0"
const CLAIMED =
  "id, attempt, trail, input, priority, failures, crashes, interruptions, max_attempts, max_crashes, timeout_ms, retry, tags, metadata, enqueued_at, run_at, lane, rank"

function exchangePerJob(end: string): string {
  return `with picked as materialized (
      select id from job where lane = 1 and solo = 0 and state = 1 and rank >= $7::bigint
      order by rank, id limit $5::int for no key update skip locked),
    ended as (select * from unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[]) as e (id, attempt, token, prev)),
    ${end},
    started as (update job set state = 2, attempt = attempt + 1, worker = 1, token = $6::bigint, started_at = ${NOW},
        trail = nextval('trail_seq')
      where id = any (array(select id from picked)) returning ${CLAIMED}),
    t as (insert into trail (seq, prev, job, at, from_state, to_state, attempt, worker)
      select trail, null, id, ${NOW}, 1, 2, attempt, 1 from started)
    select ${CLAIMED}, (select count(*)::int from settled) from started`
}

const one: Layout = {
  tables: ["job", "trail"],
  schema: `create sequence trail_seq; ${PER_JOB_TRAIL};
    create table job (id uuid primary key, solo smallint not null default 0, ${BODY}) with (fillfactor = 80, ${VACUUM});
    create index job_ready on job (lane, solo, rank, id) where state = 1;
    create index job_due on job (lane, run_at, id) where state in (0, 3);
    create index job_running on job (worker) where state = 2;
    create index job_finished on job (state, finished_at, lane) where state >= 4`,
  enqueue: `with added as (insert into job (id, rank, run_at, enqueued_at, trail, lane, max_attempts, max_crashes, state, priority, input)
      select ${NEW_ID}, ${NOW}, ${NOW}, ${NOW}, nextval('trail_seq'), 1, 25, 3, 1, 100, '{"n":1}'
      from generate_series($2::int, $2::int + $1::int - 1) n returning id, trail)
    insert into trail (seq, job, at, to_state, attempt) select trail, id, ${NOW}, 1, 0 from added`,
  history: `insert into job (id, rank, run_at, enqueued_at, trail, lane, attempt, max_attempts, max_crashes, state, priority, finished_at, input)
      select ${NEW_ID.replace("019b", "0190")}, 0, 0, 0, 0, 1, 1, 25, 3, 4, 100, n, '{"n":1}' from generate_series(1, $1::int) n`,
  exchange:
    exchangePerJob(`settled as (update job set state = 4, worker = null, finished_at = ${NOW}, trail = nextval('trail_seq'), bytes = 300
      from ended e where job.id = e.id and job.state = 2 and job.attempt = e.attempt and job.token = e.token
      returning job.id, job.trail, e.prev, job.attempt),
    ts as (insert into trail (seq, prev, job, at, from_state, to_state, attempt, worker)
      select trail, prev, id, ${NOW}, 2, 4, attempt, 1 from settled)`),
}

const split: Layout = {
  tables: ["job", "done", "trail"],
  schema: `create sequence trail_seq; ${PER_JOB_TRAIL};
    create table job (id uuid primary key, solo smallint not null default 0, ${BODY}) with (fillfactor = 80, ${VACUUM});
    create index job_ready on job (lane, solo, rank, id) where state = 1;
    create index job_due on job (lane, run_at, id) where state in (0, 3);
    create index job_running on job (worker) where state = 2;
    create table done (id uuid primary key, solo smallint not null default 0, ${BODY});
    create index done_finished on done (state, finished_at, lane)`,
  enqueue: one.enqueue,
  history: one.history.replace("into job", "into done"),
  exchange: exchangePerJob(`gone as (delete from job using ended e
      where job.id = e.id and job.state = 2 and job.attempt = e.attempt and job.token = e.token
      returning job.*, e.prev),
    settled as (insert into done
      select id, solo, rank, run_at, enqueued_at, nextval('trail_seq'), token, started_at, ${NOW}, expires_at, cancel_at, unique_until,
        lane, attempt, null, failures, crashes, interruptions, max_attempts, max_crashes, timeout_ms, 300, unique_states,
        4, priority, input, tags, metadata, retry, result, reason, error, unique_hash, unique_label, cancel_reason, cancel_by
      from gone returning id, trail, attempt),
    ts as (insert into trail (seq, prev, job, at, from_state, to_state, attempt, worker)
      select trail, null, id, ${NOW}, 2, 4, attempt, 1 from settled)`),
}

const marker: Layout = {
  tables: ["job", "trail"],
  schema: `create sequence trail_seq;
    create table trail (seq bigint primary key, xid xid8 not null default pg_current_xact_id(), at bigint not null,
      worker integer, from_state smallint, to_state smallint not null, jobs uuid[] not null, prevs bigint[], attempts integer[],
      actor text, reasons text[], errors text[]);
    create table claim (worker integer, token bigint, jobs uuid[], primary key (worker, token)) with (${VACUUM});
    alter table trail alter jobs set storage STORAGE, alter prevs set storage STORAGE, alter attempts set storage STORAGE;
    alter table claim alter jobs set storage STORAGE;
    create table job (id uuid primary key, waits smallint, ${BODY}) with (fillfactor = FILL, ${VACUUM});
    create index job_ready on job (lane, rank, id) where waits = 1;
    create index job_solo on job (lane, rank, id) where waits = 2;
    create index job_due on job (lane, run_at, id) where waits = 0`,
  enqueue: `with b as materialized (select nextval('trail_seq') as seq),
    added as (insert into job (id, waits, rank, run_at, enqueued_at, trail, lane, max_attempts, max_crashes, state, priority, input)
      select ${NEW_ID}, 1, ${NOW}, ${NOW}, ${NOW}, (select seq from b) * 1024 + n - $2::int, 1, 25, 3, 1, 100, '{"n":1}'
      from generate_series($2::int, $2::int + $1::int - 1) n returning id)
    insert into trail (seq, at, to_state, jobs) select (select seq from b), ${NOW}, 1, array_agg(id) from added`,
  history: one.history,
  exchange: `with picked as materialized (
      select id from job where lane = 1 and waits = 1 and rank >= $7::bigint
      order by rank, id limit $5::int for no key update skip locked),
    ended as (select * from unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[]) with ordinality as e (id, attempt, token, prev, n)),
    sb as materialized (select nextval('trail_seq') as seq where cardinality($1::uuid[]) > 0),
    settled as (update job set state = 4, worker = null, finished_at = ${NOW}, trail = sb.seq * 1024 + e.n, bytes = 300
      from ended e, sb where job.id = e.id and job.state = 2 and job.attempt = e.attempt and job.token = e.token
      returning job.id, job.trail, e.prev, job.attempt),
    ts as (insert into trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts)
      select max(sb.seq), ${NOW}, 1, 2, 4, array_agg(id), array_agg(prev), array_agg(attempt) from settled, sb having count(*) > 0),
    cb as materialized (select nextval('trail_seq') as seq where exists (select from picked)),
    p as materialized (select array_agg(id) as ids from picked),
    started as (update job set waits = null, state = 2, attempt = attempt + 1, worker = 1, token = $6::bigint, started_at = ${NOW},
        trail = cb.seq * 1024 + k.n
      from unnest((select ids from p)) with ordinality as k (id, n), cb where job.id = k.id returning ${CLAIMED.split(
        ", ",
      )
        .map((c) => `job.${c}`)
        .join(", ")}),
    tc as (insert into trail (seq, at, worker, from_state, to_state, jobs, attempts)
      select max(cb.seq), ${NOW}, 1, 1, 2, array_agg(id), array_agg(attempt) from started, cb having count(*) > 0),
    cl as (insert into claim select 1, $6::bigint, ids from p where ids is not null),
    dc as (delete from claim where worker = 1 and token = $8::bigint)
    select ${CLAIMED}, (select count(*)::int from settled) from started`,
}

/** A claim that locks `$5` jobs after rank `$7` and id `$8`, and leaves their rows as they are. */
const LOCKING = `picked as materialized (
      select ${CLAIMED} from job where lane = 1 and waits = 1 and (rank, id) > ($7::bigint, $8::uuid)
      order by rank, id limit $5::int for no key update skip locked),
    cb as materialized (select nextval('trail_seq') as seq where exists (select from picked)),
    p as materialized (select array_agg(id) as ids, array_agg(trail) as prevs, array_agg(attempt + 1) as attempts from picked),
    tc as (insert into trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts)
      select cb.seq, ${NOW}, 1, 1, 2, ids, prevs, attempts from p, cb),
    cl as (insert into claim select 1, $6::bigint, ids from p where ids is not null)`

const once: Layout = {
  ...marker,
  goesOn: true,
  exchange: `with ${LOCKING},
    sb as materialized (select nextval('trail_seq') as seq where cardinality($1::uuid[]) > 0),
    settled as (update job set waits = null, state = 4, attempt = job.attempt + 1, token = e.token, started_at = ${NOW},
        finished_at = ${NOW}, trail = sb.seq * 1024 + e.n, bytes = 300
      from unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[]) with ordinality as e (id, attempt, token, prev, n), sb
      where job.id = e.id and job.waits = 1 returning job.id, job.trail, e.prev, job.attempt),
    ts as (insert into trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts)
      select max(sb.seq), ${NOW}, 1, 2, 4, array_agg(id), array_agg(prev), array_agg(attempt) from settled, sb having count(*) > 0)
    select ${CLAIMED}, (select count(*)::int from settled) from picked`,
}

const open: Layout = {
  ...marker,
  open: {
    claim: `select ${CLAIMED} from job where lane = 1 and waits = 1 and rank >= $2::bigint
      order by rank, id limit $1::int for no key update skip locked`,
    witness: `with gone as (delete from claim where worker = $1::int and token = $2::bigint)
      insert into claim select $1::int, $3::bigint, $4::uuid[]`,
    settle: `with s as materialized (select nextval('trail_seq') as seq),
      sb as materialized (select nextval('trail_seq') as seq),
      ts as (insert into trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts)
        select s.seq, ${NOW}, 1, 1, 2, $1::uuid[], $2::bigint[], $4::int[] from s),
      te as (insert into trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts)
        select sb.seq, ${NOW}, 1, 2, 4, $1::uuid[], array(select s.seq * 1024 + n from s, generate_series(1, cardinality($1::uuid[])) n), $4::int[] from s, sb),
      settled as (update job set waits = null, state = 4, attempt = job.attempt + 1, token = $3::bigint, started_at = ${NOW},
          finished_at = ${NOW}, trail = sb.seq * 1024 + e.n, bytes = 300
        from unnest($1::uuid[]) with ordinality as e (id, n), sb where job.id = e.id returning job.id)
      select count(*)::int from settled`,
  },
}

const never: Layout = {
  ...marker,
  goesOn: true,
  exchange: `with ${LOCKING.replace("for no key update skip locked", "")},
    sb as materialized (select nextval('trail_seq') as seq where cardinality($1::uuid[]) > 0),
    ts as (insert into trail (seq, at, worker, from_state, to_state, jobs, prevs, attempts)
      select sb.seq, ${NOW}, 1, 2, 4, $1::uuid[], $4::bigint[], $2::int[] from sb where cardinality($3::bigint[]) > 0)
    select ${CLAIMED}, cardinality($1::uuid[]) from picked`,
}

export const layouts: Readonly<Record<string, Layout>> = { one, split, marker, once, open, never }
