import { join } from "node:path"
import { rolldown } from "rolldown"

/**
 * Joins the sources of a command into few files. Each module that is loaded by itself costs a search on the disk and a
 * compilation at every start, and a reviewer is started for every save and every commit. What is loaded only when it is
 * asked for stays apart.
 *
 * @param folder - of the package
 * @param entries - names of what is loaded from outside, without their endings, as under `src`
 * @param shared - the folder of dist for everything else: as deep as the entries, so that what a module finds beside
 * itself is where it was
 */
export async function bundle(
  folder: string,
  entries: readonly string[],
  shared: string,
): Promise<void> {
  const input = Object.fromEntries(entries.map((name) => [name, join(folder, `src/${name}.ts`)]))
  const made = await rolldown({
    input,
    platform: "node",
    // What the package depends on is installed beside it.
    external: (id, importer) => importer !== undefined && !/^[./]/.test(id),
    onLog: (_level, { message }) => {
      throw new Error(message)
    },
  })
  await made.write({
    dir: join(folder, "dist"),
    format: "esm",
    chunkFileNames: `${shared}/[name].js`,
    sourcemap: true,
  })
  await made.close()
}
