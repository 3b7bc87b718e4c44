/**
 * `npm run sqlgen` inlines each store's `.sql` files into TypeScript; `npm run sqlgen -- --check` only says
 * whether that was done, with exit code 1 when not.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { staleFiles, writeGenerated } from "./generateStore.ts"
import { SqlgenError } from "./readQueries.ts"

const SOURCES = join(import.meta.dirname, "../../packages/drover/src")
const storeDirs = ["sqlite", "postgres"].map((store) => join(SOURCES, store)).filter(existsSync)
const isCheck = process.argv.includes("--check")

for (const storeDir of storeDirs) {
  // One store that is not in order does not keep the other from its files.
  try {
    if (isCheck) check(storeDir)
    else
      for (const file of writeGenerated(storeDir))
        console.log(`wrote ${storeDir}/generated/${file}`)
  } catch (error) {
    if (!(error instanceof SqlgenError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

function check(storeDir: string): void {
  for (const { file } of staleFiles(storeDir)) {
    console.error(`${storeDir}/generated/${file} is not what the .sql files say: npm run sqlgen`)
    process.exitCode = 1
  }
}
