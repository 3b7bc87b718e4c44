import type { Rule } from "../rule.ts"

/** A path of somebody's machine means nothing on any other. */
export const machinePaths: Rule = {
  name: "machine-paths",
  mend: "Use a path relative to the repository, os.tmpdir() or import.meta.dirname.",
  check(repository) {
    return repository.files.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => {
        const found = MACHINE_PATH.exec(line)?.[1]
        return found === undefined
          ? []
          : [{ path, line: index + 1, message: `path of a machine: ${found}` }]
      }),
    )
  },
}

/** Not after a letter, a dot or a slash: `https://example.org/home/x` and `./work/x` are no such paths. */
const MACHINE_PATH = /(?<![\w.*~-])(\/(?:work\/|home\/\w|Users\/\w|root\/|tmp\/p)[\w./-]*)/
