import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { Program } from "../../packages/drover/crash/program.ts"
import { SqliteGround } from "../ground/sqliteGround.ts"
import { leases } from "./fault.ts"
import type { Fault } from "./fault.ts"

const SQLITE = ["sqlite"] as const
const LOCK_HOLDER = fileURLToPath(new URL("../programs/lockHolder.ts", import.meta.url))

/** Somebody else's program holds the write lock and stands still. */
const lock: Fault = {
  name: "lock",
  stores: SQLITE,
  weight: 3,
  async strike(scene) {
    const { ground, during, wait } = scene
    if (!(ground instanceof SqliteGround)) return
    await during("lock", "all", async () => {
      const holder = new Program(LOCK_HOLDER, {
        env: { DROVER_NEMESIS_FILE: ground.path },
        detached: true,
      })
      scene.started(holder.pid)
      try {
        await holder.ready
        holder.signal("SIGSTOP")
        await wait(leases(scene, 0.3, 2))
      } finally {
        holder.signal("SIGKILL")
        await holder.death
      }
    })
  },
}

/** A reader that never ends its transaction keeps the log from being written back. */
const reader: Fault = {
  name: "reader",
  stores: SQLITE,
  weight: 2,
  async strike({ ground, during, wait, leaseMs }) {
    if (!(ground instanceof SqliteGround)) return
    // It disturbs nobody's lease, so nobody is excused by it.
    await during("reader", [], async () => {
      const db = new DatabaseSync(ground.path, { readOnly: true })
      try {
        db.exec("begin")
        db.prepare("select count(*) from drover_job").get()
        await wait(4 * leaseMs)
      } finally {
        db.close()
      }
    })
  },
}

/** The disk is full. */
const full: Fault = {
  name: "full",
  stores: SQLITE,
  weight: 2,
  async strike(scene) {
    const { ground, during, wait } = scene
    const disk = ground instanceof SqliteGround ? ground.disk : null
    if (disk === null) return
    await during("full", "all", async () => {
      disk.fill()
      try {
        await wait(leases(scene, 0.3, 2))
      } finally {
        disk.free()
      }
    })
  },
}

export const sqliteFaults: readonly Fault[] = [lock, reader, full]
