import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, extname, join } from "node:path"

/** Hand-written code with and without mistakes: what the reviewer's rules are tried on. */
const FIXTURES = join(import.meta.dirname, "../packages/review/fixtures")

/** Functions added to each fixture, so that a file has the size of files that people write. */
const FILLERS = 12

type Extension = ".go" | ".py" | ".ts" | ".java" | ".kt"

/** A function that calls one of another file, waits, and handles an error. */
const fillers: Readonly<Record<Extension, (name: string, calls: string) => string>> = {
  ".go": (name, calls) => `
// ${name} reads one page of rows and hands them on.
func ${name}(rows []string, limit int) (int, error) {
	total := 0
	for index, row := range rows {
		if index >= limit || len(row) == 0 {
			continue
		}
		count, err := ${calls}(rows[index:], limit-1)
		if err != nil {
			return total, fmt.Errorf("page %d of %s: %w", index, row, err)
		}
		total += count
	}
	return total, nil
}
`,
  ".py": (name, calls) => `

def ${name}(rows, limit=10):
    """Reads one page of rows and hands them on."""
    total = 0
    for index, row in enumerate(rows):
        if index >= limit or not row:
            continue
        try:
            total += ${calls}(rows[index:], limit=limit - 1)
        except ValueError as error:
            raise RuntimeError(f"page {index} of {row}: {error}") from error
    return total
`,
  ".ts": (name, calls) => `
/** Reads one page of rows and hands them on. */
export async function ${name}(rows: readonly string[], limit = 10): Promise<number> {
  let total = 0
  for (const [index, row] of rows.entries()) {
    if (index >= limit || row === "") continue
    try {
      total += await ${calls}(rows.slice(index), limit - 1)
    } catch (error) {
      throw new Error(\`page \${index} of \${row}: \${String(error)}\`, { cause: error })
    }
  }
  return total
}
`,
  ".java": (name, calls) => `
final class Page_${name} {
  /** Reads one page of rows and hands them on. */
  static int ${name}(List<String> rows, int limit) {
    int total = 0;
    for (int index = 0; index < rows.size(); index++) {
      String row = rows.get(index);
      if (index >= limit || row.isEmpty()) {
        continue;
      }
      try {
        total += Page_${calls}.${calls}(rows.subList(index, rows.size()), limit - 1);
      } catch (IllegalStateException error) {
        throw new IllegalArgumentException("page " + index + " of " + row, error);
      }
    }
    return total;
  }
}
`,
  ".kt": (name, calls) => `
/** Reads one page of rows and hands them on. */
fun ${name}(rows: List<String>, limit: Int = 10): Int {
  var total = 0
  for ((index, row) in rows.withIndex()) {
    if (index >= limit || row.isEmpty()) {
      continue
    }
    try {
      total += ${calls}(rows.subList(index, rows.size), limit - 1)
    } catch (error: IllegalStateException) {
      throw IllegalArgumentException("page $index of $row", error)
    }
  }
  return total
}
`,
}

interface Text {
  readonly extension: Extension
  readonly text: string
}

/** A repository of this many files below a folder, the same in every run. @returns their paths and bytes */
export function writeTree(root: string, count: number): { paths: string[]; bytes: number } {
  const texts = readFixtures()
  const paths: string[] = []
  let bytes = 0
  for (let number = 0; number < count; number++) {
    const { extension, text } = texts[number % texts.length]!
    const path = `services/service${number % 20}/part${number % 7}/file${number}${extension}`
    const content = text + fillersOf(extension, number, count)
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
    paths.push(path)
    bytes += Buffer.byteLength(content)
  }
  return { paths, bytes }
}

/** Changes a file as a person would: something is added above and within. */
export function changeFile(root: string, path: string): void {
  const text = readFileSync(join(root, path), "utf8")
  const mark = path.endsWith(".py") ? "#" : "//"
  const added = fillersOf(extname(path) as Extension, 1_000_000, 1_000_001, 1)
  writeFileSync(
    join(root, path),
    `${mark} Changed since.\n${text.replace("limit", "limit ")}${added}`,
  )
}

/** Commits everything below a folder. */
export function commitAll(root: string): void {
  const env = {
    PATH: process.env["PATH"],
    GIT_CONFIG_NOSYSTEM: "1",
    HOME: root,
    GIT_AUTHOR_NAME: "bench",
    GIT_AUTHOR_EMAIL: "bench@example.org",
    GIT_COMMITTER_NAME: "bench",
    GIT_COMMITTER_EMAIL: "bench@example.org",
  }
  for (const words of [
    ["init", "-q"],
    ["add", "-A"],
    ["commit", "-q", "-m", "a change"],
  ]) {
    const { status, stderr } = spawnSync("git", words, { cwd: root, env, encoding: "utf8" })
    if (status !== 0) throw new Error(`git ${words.join(" ")}: ${stderr}`)
  }
}

function fillersOf(extension: Extension, number: number, count: number, each = FILLERS): string {
  return Array.from({ length: each }, (_, at) => {
    const next = (number + 7) % count
    return fillers[extension](`readPage${number}x${at}`, `readPage${next}x${(at + 1) % FILLERS}`)
  }).join("")
}

/** The fixtures of all languages in turn, so that any number of files has as many of each. */
function readFixtures(): Text[] {
  const names = readdirSync(FIXTURES, { recursive: true, encoding: "utf8" }).sort()
  const byExtension = Map.groupBy(
    names.filter((name) => Object.hasOwn(fillers, extname(name))),
    extname,
  )
  const lists = [...byExtension].sort(([a], [b]) => (a < b ? -1 : 1))
  const longest = Math.max(...lists.map(([, list]) => list.length))
  return Array.from({ length: longest }, (_, at) => at).flatMap((at) =>
    lists.map(([extension, list]) => ({
      extension: extension as Extension,
      text: readFileSync(join(FIXTURES, list[at % list.length]!), "utf8"),
    })),
  )
}
