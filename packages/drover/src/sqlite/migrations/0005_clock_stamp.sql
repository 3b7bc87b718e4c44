-- What the machine's monotonic clock showed when store_at was written, so that a process that starts while the wall clock is
-- set back knows how far the store's time has gone since. Versions before this one write store_at alone; then
-- stamped_at differs from it, and the reading is that of another time.
alter table drover_pulse add column stamped_at integer;
alter table drover_pulse add column mono real;
-- What the reading counts from; null when that has no name. Readings of another origin say nothing.
alter table drover_pulse add column mono_origin text;
