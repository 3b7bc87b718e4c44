/** Folders and repositories that tests make for real, hostile ones among them. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

export class Ground {
  /** Everything of this ground lies in it. */
  readonly folder: string = realpathSync(mkdtempSync(join(tmpdir(), "drover-review-")))
  readonly root: string = join(this.folder, "root")
  /** Hostile configurations make this file when they get to run. */
  readonly alarm: string = join(this.folder, "alarm")

  constructor() {
    mkdirSync(this.root)
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  path(path: string): string {
    return join(this.root, path)
  }

  write(files: Readonly<Record<string, string | Uint8Array>>): this {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(this.path(path)), { recursive: true })
      writeFileSync(this.path(path), content)
    }
    return this
  }

  remove(path: string): this {
    rmSync(this.path(path), { recursive: true, force: true })
    return this
  }

  pipe(path: string): this {
    mkdirSync(dirname(this.path(path)), { recursive: true })
    execFileSync("mkfifo", [this.path(path)])
    return this
  }

  /** Git as a person would run it here, without the settings of this machine. */
  git(...args: readonly string[]): string {
    return execFileSync("git", args, {
      cwd: this.root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 20_000,
      env: {
        PATH: process.env["PATH"],
        HOME: this.folder,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_AUTHOR_NAME: "a",
        GIT_AUTHOR_EMAIL: "a@example.org",
        GIT_COMMITTER_NAME: "a",
        GIT_COMMITTER_EMAIL: "a@example.org",
        GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
        GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
      },
    }).trim()
  }

  /** Commits everything. @returns the commit */
  commit(files: Readonly<Record<string, string>> = {}): string {
    if (!existsSync(this.path(".git"))) this.git("init", "-q", "-b", "main")
    this.write(files).git("add", "-A")
    this.git("commit", "-q", "--allow-empty", "-m", "a change")
    return this.git("rev-parse", "HEAD")
  }

  /** A command that sounds the alarm. */
  get alarmCommand(): string {
    return `sh -c 'echo ran >> ${this.alarm}; cat'`
  }

  get isAlarmed(): boolean {
    return existsSync(this.alarm)
  }
}
