import { basename } from "node:path"
import type { Rule } from "../rule.ts"

/** A file is named for the one thing it holds, so that a reader finds it by its name. */
export const fileNames: Rule = {
  name: "file-names",
  mend: "Name the file in camelCase for the noun it is about; a type lives where it is made.",
  check(repository) {
    return repository.typescript.flatMap(({ path }) => {
      const name = basename(path).replace(/(?:\.(?:test|fixture|config|d))?\.ts$/, "")
      if (NAMELESS.has(name)) return [{ path, line: 1, message: `"${name}" names nothing` }]
      if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) {
        return [{ path, line: 1, message: `"${name}" is not camelCase` }]
      }
      return []
    })
  },
}

const NAMELESS = new Set([
  "utils",
  "util",
  "helpers",
  "helper",
  "types",
  "common",
  "misc",
  "shared",
])
