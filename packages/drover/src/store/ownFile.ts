import { existsSync } from "node:fs"
import { DroverError } from "../errors/index.ts"

/**
 * Finds a file of this package that a thread or a process is started with.
 * @param moduleUrl `import.meta.url` of the file beside it: from the sources a thread runs its source, from dist what was
 * built of it, because Node does not rewrite URLs. A bundler may give it another ending, and `undefined` in CommonJS.
 * @param name without its extension.
 * @throws DroverError `DROVER_CONFIG` when it is not there: bundlers make one file of all that is imported, and leave out
 * what is started.
 */
export function ownFile(moduleUrl: string | undefined, name: string): URL {
  const extension = /\.([cm]?[jt]s)$/.exec(moduleUrl ?? "")?.[1] ?? "js"
  const url = moduleUrl === undefined ? undefined : new URL(`./${name}.${extension}`, moduleUrl)
  if (url !== undefined && (url.protocol !== "file:" || existsSync(url))) return url
  throw new DroverError(
    "DROVER_CONFIG",
    `Drover starts ${name}.${extension}, which is not beside ${moduleUrl ?? "this bundle"}: a bundler left it out. Keep drover out of the bundle, as with esbuild --external:drover or --packages=external, and install it beside; or make drover/threads/${name} an entry of the bundle, named ${name}`,
    { details: { file: name, moduleUrl } },
  )
}
