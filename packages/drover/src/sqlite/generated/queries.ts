// Made by `npm run sqlgen` from ../sql/*.sql, where the comments are. Do not edit.

export const queries = {
  find_lane: `select id from drover_lane where queue = ? and kind = ?`,
  add_lane: `insert into drover_lane (queue, kind) values (?, ?) returning id`,
  lane_by_id: `select queue, kind from drover_lane where id = ?`,
  read_pulse: `select instance, store_at, job_seq, trail_seq, finished_bytes, config_generation
from drover_pulse
where one = 1`,
  lock_pulse: `update drover_pulse set store_at = store_at where one = 1`,
  write_pulse: `update drover_pulse
set store_at = max(store_at, ?), job_seq = ?, trail_seq = ?, finished_bytes = ?, config_generation = ?
where one = 1`,
  add_trail: `insert into drover_trail (seq, prev, job, at, from_state, to_state, attempt, worker, actor, reason, error)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
} as const
