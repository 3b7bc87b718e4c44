import { Repository } from "./repository.ts"

export interface Fixture {
  readonly repository: Repository
  /** `path:line` of each place that has to be found. */
  readonly expected: readonly string[]
}

const HEAD = "=== "
const EXPECT = "expect "

/**
 * Reads a small repository out of one text: lines `expect path:line`, then each file's text below its
 * `=== path`. One page shows the whole case, and no tool of the house stumbles over code that is wrong on
 * purpose.
 */
export function readFixture(text: string): Fixture {
  const expected: string[] = []
  const texts = new Map<string, string>()
  let path: string | undefined
  for (const line of text.replace(/\n$/, "").split("\n")) {
    if (line.startsWith(HEAD)) {
      path = line.slice(HEAD.length)
      texts.set(path, "")
    } else if (path !== undefined) texts.set(path, `${texts.get(path) ?? ""}${line}\n`)
    else if (line.startsWith(EXPECT)) expected.push(line.slice(EXPECT.length))
    else
      throw new Error(`a fixture begins with "${EXPECT}path:line" or "${HEAD}path", not: ${line}`)
  }
  return { repository: new Repository(texts), expected: expected.toSorted() }
}
