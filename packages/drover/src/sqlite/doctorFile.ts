import { statfsSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { isDroverError } from "../errors/index.ts"
import type { HealthCheck } from "../store/index.ts"
import { checkIdentity } from "./safety.ts"
import type { FileIdentity } from "./safety.ts"

const MIB = 1_048_576
const DISK_FAIL_BYTES = 64 * MIB
const DISK_WARN_BYTES = 512 * MIB

/** Whether the path still leads to the file that is open. */
export function checkPlace(file: FileIdentity): HealthCheck {
  try {
    checkIdentity(file)
    return {
      check: "file",
      status: "ok",
      message: `${file.path} is the file that was opened.`,
      value: file.realPath,
    }
  } catch (error) {
    if (!isDroverError(error)) throw error
    return { check: "file", status: "fail", message: error.message, value: file.realPath }
  }
}

/** Whether others than the owner can read what the jobs carry. */
export function checkPermissions({ path, realPath }: FileIdentity): HealthCheck {
  const check = "permissions"
  const mode = statSync(realPath, { throwIfNoEntry: false })?.mode
  // Windows has no such bits.
  if (mode === undefined || process.platform === "win32") {
    return { check, status: "ok", message: "This platform has no file modes to check." }
  }
  const bits = (mode & 0o777).toString(8).padStart(4, "0")
  if ((mode & 0o007) === 0) {
    return { check, status: "ok", message: `${path} has mode ${bits}.`, value: bits }
  }
  return {
    check,
    status: "warn",
    message: `${path} has mode ${bits}, so every user of this machine can read the inputs and results of jobs: chmod 600 it and its -wal file.`,
    value: bits,
  }
}

/** Whether there is room for the database and its log to grow. */
export function checkDisk({ path, realPath }: FileIdentity): HealthCheck {
  const { bavail, bsize } = statfsSync(dirname(realPath))
  const freeBytes = bavail * bsize
  const free = `${Math.floor(freeBytes / MIB)} MiB`
  const value = freeBytes
  const check = "disk_space"
  if (freeBytes >= DISK_WARN_BYTES) {
    return { check, status: "ok", message: `${free} are free beside ${path}.`, value }
  }
  const status = freeBytes < DISK_FAIL_BYTES ? "fail" : "warn"
  const message = `Only ${free} are free beside ${path}: free space. On a full disk nothing can be written, not even a delete.`
  return { check, status, message, value }
}
