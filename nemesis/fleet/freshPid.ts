/**
 * Starts a process under a number that no other of the run had. Systems use numbers again, on a busy machine within half
 * an hour, and all that is written down of processes names them by theirs: two of one number would be judged as one that
 * went on after its death.
 * @param had - the numbers that were used; the new one is added
 * @param start - starts a process; one with a number of another is killed before it has done anything
 */
export function startFresh<Started extends { readonly pid: number; signal(name: "SIGKILL"): void }>(
  had: Set<number>,
  start: () => Started,
): Started {
  for (;;) {
    const started = start()
    if (!had.has(started.pid)) {
      had.add(started.pid)
      return started
    }
    started.signal("SIGKILL")
  }
}
