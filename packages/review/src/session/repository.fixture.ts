/** A small repository on disk for tests that review one. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { rules } from "../rules/rules.ts"

/** Go that waits five seconds after each failure, on line 10. */
export const RETRY = `package client

import "time"

func Connect() error {
	for {
		if err := dial(); err == nil {
			return nil
		}
		time.Sleep(5 * time.Second)
	}
}
`

/** A configuration in which only retries without jitter are heard, whatever rules there will be. */
export const ONLY_RETRIES = JSON.stringify({
  rules: Object.fromEntries(
    rules.filter(({ id }) => id !== "retry-without-jitter").map(({ id }) => [id, "off"]),
  ),
})

/** The same with chance in the delay. */
export const JITTERED = RETRY.replace('"time"', '(\n\t"math/rand"\n\t"time"\n)').replace(
  "5 * time.Second",
  "time.Duration(rand.Int63n(int64(5 * time.Second)))",
)

export interface Repository extends Disposable {
  readonly root: string
  write(path: string, text: string): void
}

/** Writes files below a new folder. */
export function createRepository(files: Readonly<Record<string, string>> = {}): Repository {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "drover-review-")))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const [path, text] of Object.entries(files)) write(path, text)
  return { root, write, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) }
}
