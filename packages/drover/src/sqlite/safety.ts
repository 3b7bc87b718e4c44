import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  realpathSync,
  statfsSync,
  statSync,
} from "node:fs"
import type { BigIntStats } from "node:fs"
import { dirname } from "node:path"
import { DroverError } from "../errors/index.ts"

/** Which file a path led to when the store opened it. */
export interface FileIdentity {
  /** The path as it was given, absolute. */
  readonly path: string
  /** Where it leads through symbolic links: the log lies beside this one. */
  readonly realPath: string
  readonly device: bigint
  readonly inode: bigint
}

// SQLite 3.7.0 to 3.51.2 can corrupt a database in WAL mode when one connection resets the log while another
// writes. Source: sqlite.org/wal.html, "WAL-reset bug"; reliability.md S6.
const SAFE_SQLITE = [3, 51, 3] as const
const NETWORK_PATH = /^\\\\(?!\?\\[A-Za-z]:)/

// `f_type` of statfs(2) on Linux: kernel magic numbers of what is shared between machines or answered by a
// program. The log's index is shared memory, which only processes of one kernel share.
const REFUSED_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, "nfs"],
  [0x517b, "smb"],
  [0xff534d42, "cifs"],
  [0xfe534d42, "smb2"],
  [0x564c, "ncp"],
  [0x01021997, "9p"],
  [0x00c36400, "ceph"],
  [0x5346414f, "afs"],
  [0x6b414653, "afs"],
  [0x73757245, "coda"],
  [0x0bd00bd0, "lustre"],
  [0x47504653, "gpfs"],
  [0x01161970, "gfs2"],
  [0x7461636f, "ocfs2"],
  [0x19830326, "beegfs"],
  [0xaad7aaea, "panfs"],
  [0x20030528, "orangefs"],
  [0x786f4256, "vboxsf"],
  [0xbacbacbc, "vmhgfs"],
  [0x65735546, "fuse"],
])

/**
 * Refuses an SQLite that can corrupt a file which several connections have open.
 * @throws DroverError `DROVER_STORE_UNSAFE` below 3.51.3.
 */
export function checkSqliteVersion(version: string): void {
  const parts = version.split(".").map(Number)
  for (const [index, least] of SAFE_SQLITE.entries()) {
    const part = parts[index] ?? 0
    if (part > least) return
    if (part < least || Number.isNaN(part)) {
      throw new DroverError(
        "DROVER_STORE_UNSAFE",
        `SQLite ${version} can corrupt a database file that several connections write (fixed in ` +
          `${SAFE_SQLITE.join(".")}). Run a Node.js whose \`process.versions.sqlite\` is at least that, or use ":memory:".`,
        { details: { version, needed: SAFE_SQLITE.join(".") } },
      )
    }
  }
}

/**
 * Makes sure that a database file can be used safely where it is, before SQLite touches it. Creates a missing
 * file, readable by its owner only, and a missing folder; an existing folder keeps its mode.
 * @param path absolute.
 * @returns what the path leads to, for `checkIdentity`.
 * @throws DroverError `DROVER_STORE_UNSAFE`, `_READONLY`, `_CORRUPT`, `_REPLACED` or `_IO`, saying what to do.
 */
export function prepareFile(path: string): FileIdentity {
  if (process.platform === "win32" && NETWORK_PATH.test(path))
    refuseFileSystem(path, "network share")
  attempt("make the folder of", path, () =>
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 }),
  )
  if (statOf(path) === undefined) {
    checkFileSystem(path, dirname(path))
    checkWritable(dirname(path), `The folder of the database ${path}`)
    checkNoOrphanedLog(path)
    create(path)
  }
  const realPath = attempt("read", path, () => realpathSync(path))
  const stats = attempt("read", path, () => statSync(realPath, { bigint: true }))
  checkKind(path, stats)
  checkFileSystem(path, realPath)
  checkWritable(dirname(realPath), `The folder of the database ${path}`)
  checkWritable(realPath, `The database ${path}`)
  if (stats.size === 0n) checkNoOrphanedLog(realPath)
  return { path, realPath, device: stats.dev, inode: stats.ino }
}

/**
 * Refuses to go on when the path no longer leads to the file that was opened: SQLite would quietly write to
 * a file that nobody else sees. One `stat`, some microseconds.
 * @throws DroverError `DROVER_STORE_REPLACED`.
 */
export function checkIdentity(identity: FileIdentity): void {
  const { path } = identity
  const stats = statOf(path)
  if (stats?.dev === identity.device && stats.ino === identity.inode) return
  const what = stats === undefined ? "was removed" : "was replaced by another file"
  throw new DroverError(
    "DROVER_STORE_REPLACED",
    `The database ${path} ${what} while it was open. Stop every process that uses it, put the right file in place ` +
      `together with its -wal file, and start again.`,
    { details: { path } },
  )
}

/** Tells whether Drover refuses a file system, by the type that statfs(2) gives for it. Linux only. */
export function refusedFileSystem(type: number): string | undefined {
  // Node gives the 32 bits as a signed or an unsigned number, by platform.
  return REFUSED_FILE_SYSTEMS.get(type >>> 0)
}

function checkFileSystem(path: string, place: string): void {
  // Elsewhere the number means nothing fixed, so nothing can be said; docs name it as the user's duty.
  if (process.platform !== "linux") return
  const { type } = attempt("read the file system of", path, () => statfsSync(place))
  const name = refusedFileSystem(type)
  if (name !== undefined) refuseFileSystem(path, name)
}

function refuseFileSystem(path: string, name: string): never {
  throw new DroverError(
    "DROVER_STORE_UNSAFE",
    `The database ${path} is on a shared or emulated file system (${name}), whose locks SQLite cannot trust. ` +
      `Put it on a local disk (in a container: on a named volume), or use Postgres.`,
    { details: { path, fileSystem: name } },
  )
}

function checkKind(path: string, stats: BigIntStats): void {
  if (!stats.isFile()) {
    throw new DroverError(
      "DROVER_STORE_UNSAFE",
      `The database ${path} is not a regular file. Give the path of a file, or of one that does not exist yet.`,
      { details: { path } },
    )
  }
  if (stats.nlink > 1n) {
    // The log lies beside each name, so processes that come through different names would not see each other's.
    throw new DroverError(
      "DROVER_STORE_UNSAFE",
      `The database ${path} has ${stats.nlink} names (hard links), and processes that open it by different ones corrupt ` +
        `it. Copy it (\`sqlite3 FILE ".backup COPY"\`) and use the copy, or remove the other names.`,
      { details: { path, links: Number(stats.nlink) } },
    )
  }
}

function checkWritable(path: string, what: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
  } catch (error) {
    throw new DroverError(
      "DROVER_STORE_READONLY",
      `${what} cannot be read and written by this user (${codeOf(error)}). Change its owner or mode, or mount it ` +
        `writable; SQLite also needs to create files beside it.`,
      { details: { path }, cause: error },
    )
  }
}

/**
 * Creates an empty file, which is an empty database. It must be new: closing any descriptor of a file drops
 * all locks that this process has on it, also those of an SQLite connection. So nothing here ever opens a
 * database that may be in use; whether a file is a database at all, SQLite says.
 * Source: sqlite.org/howtocorrupt.html §2.2.
 */
function create(path: string): void {
  attempt("create", path, () => {
    try {
      closeSync(openSync(path, "wx", 0o600))
    } catch (error) {
      // Another process was faster.
      if (codeOf(error) !== "EEXIST") throw error
    }
  })
}

function checkNoOrphanedLog(path: string): void {
  // SQLite deletes the log of a missing or empty file; it holds the newest transactions of the lost one.
  const log = statOf(`${path}-wal`)
  if (log === undefined || log.size === 0n) return
  throw new DroverError(
    "DROVER_STORE_REPLACED",
    `The database ${path} is gone or empty, but its log ${path}-wal is there (${log.size} bytes). Put the file back; ` +
      `or, to start with an empty database, move the log away.`,
    { details: { path, logBytes: Number(log.size) } },
  )
}

/**
 * What identifies the log beside an open database. SQLite keeps it in place as long as anybody is connected, so
 * one that is gone or another was taken away by somebody else, together with the commits in it.
 */
export function logOf({ realPath }: FileIdentity): FileIdentity {
  const path = `${realPath}-wal`
  const stats = attempt("read", path, () => statSync(path, { bigint: true }))
  return { path, realPath: path, device: stats.dev, inode: stats.ino }
}

function statOf(path: string): BigIntStats | undefined {
  return attempt("read", path, () => statSync(path, { bigint: true, throwIfNoEntry: false }))
}

function attempt<T>(verb: string, path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    const code = codeOf(error)
    throw new DroverError(
      code === "EROFS" || code === "EACCES" || code === "EPERM"
        ? "DROVER_STORE_READONLY"
        : "DROVER_STORE_IO",
      `Could not ${verb} the database ${path}: ${code}. Check the path, its owner and its mode.`,
      { details: { path, errno: code }, cause: error },
    )
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return typeof code === "string" ? code : String(error)
}
