/**
 * `npm run tidy`: judges the repository by its own rules (rules.ts), prints `file:line rule message` and what
 * to do, and exits with 1 when something is broken.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { allowances } from "./allowances.ts"
import { Repository } from "./repository.ts"
import { rules } from "./rules.ts"
import { tidy } from "./tidy.ts"

const ROOT = join(import.meta.dirname, "../..")
/** Pages that break the rules on purpose, and code in the style of whoever the reviewer reads. */
const FIXTURES = ["tools/tidy/fixtures/", "packages/review/fixtures/"]
const TEXT =
  /\.(?:ts|mts|js|mjs|json|jsonc|md|sql|sh|ya?ml|svg|txt)$|(?:^|\/)(?:LICENSE|run|\.[a-z-]+)$/

const verdicts = tidy(readRepository(), rules, allowances)
for (const { path, line, rule, message } of verdicts) {
  console.error(`${path}:${line} ${rule} ${message}`)
}
if (verdicts.length > 0) {
  const mends = new Map(verdicts.map(({ rule, mend }) => [rule, mend]))
  console.error("")
  for (const [rule, mend] of mends) console.error(`${rule}: ${mend}`)
  process.exitCode = 1
}

/** What git tracks and what it would track, as it stands on disk. */
function readRepository(): Repository {
  const listed = execFileSync("git", ["ls-files", "-z", "-co", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  })
  const paths = listed
    .split("\0")
    .filter((path) => path !== "" && !FIXTURES.some((folder) => path.startsWith(folder)))
    .filter((path) => existsSync(join(ROOT, path)))
  const texts = paths
    .filter((path) => TEXT.test(path) && path !== "package-lock.json")
    .map((path): [string, string] => [path, readFileSync(join(ROOT, path), "utf8")])
  return new Repository(new Map(texts), paths)
}
