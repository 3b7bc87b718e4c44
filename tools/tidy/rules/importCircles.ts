import type { Repository } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"
import { importedPath } from "../sourceImports.ts"

/**
 * No file loads itself through others: which of them runs first would hang on who is imported first.
 * Imports of types load nothing and may point both ways inside a room.
 */
export const importCircles: Rule = {
  name: "import-circles",
  mend: "Move what both files need into a third, or hand one of them in as an argument.",
  check(repository) {
    const edges = importEdges(repository)
    const circles = new Map<string, Finding>()
    for (const [path, targets] of edges) {
      for (const { to, line } of targets) {
        const way = shortestWay(edges, to, path)
        if (way === undefined) continue
        const circle = [path, ...way]
        // Each circle is told once, at its first file by name, not once for each file on it.
        const key = circle.slice(1).toSorted().join(" ")
        if (path === circle.toSorted()[0] && !circles.has(key)) {
          circles.set(key, { path, line, message: `import circle: ${circle.join(" → ")}` })
        }
      }
    }
    return [...circles.values()]
  },
}

interface Edge {
  readonly to: string
  readonly line: number
}

function importEdges(repository: Repository): Map<string, readonly Edge[]> {
  return new Map(
    repository.typescript.map((file) => [
      file.path,
      file.imports.flatMap(({ specifier, isTypeOnly, start }): Edge[] => {
        const to = isTypeOnly ? undefined : importedPath(file.path, specifier)
        return to === undefined ? [] : [{ to, line: file.lineAt(start) }]
      }),
    ]),
  )
}

/** The files from `start` to `goal`, both included, by a breadth-first search. */
function shortestWay(
  edges: ReadonlyMap<string, readonly Edge[]>,
  start: string,
  goal: string,
): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[start, undefined]])
  for (const at of cameFrom.keys()) {
    if (at === goal) {
      const way: string[] = []
      for (let step: string | undefined = at; step !== undefined; step = cameFrom.get(step)) {
        way.unshift(step)
      }
      return way
    }
    for (const { to } of edges.get(at) ?? []) if (!cameFrom.has(to)) cameFrom.set(to, at)
  }
  return undefined
}
