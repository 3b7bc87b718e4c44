/**
 * `npm run review:docs`: the pages of docs/review/rules from what the rules say about themselves. With `--check` nothing
 * is written, and pages that are missing, old or left over are an error.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { rules } from "../../packages/review/src/rules/rules.ts"
import { pagesOf } from "./pages.ts"
import { readSaid } from "./said.ts"

const ROOT = join(import.meta.dirname, "../..")
const FOLDER = "docs/review/rules"
const SOURCES = join(ROOT, "packages/review/src/rules")

const pages = pagesOf(rules, (id) => readSaid(join(SOURCES, `${fileNameOf(id)}.ts`)))
const present = existsSync(join(ROOT, FOLDER)) ? readdirSync(join(ROOT, FOLDER)) : []
const old = [...pages].filter(([name, text]) => textOf(name) !== text).map(([name]) => name)
const leftOver = present.filter((name) => !pages.has(name))

if (process.argv.includes("--check")) {
  for (const name of old) console.error(`${FOLDER}/${name} is not what its rule says`)
  for (const name of leftOver) console.error(`${FOLDER}/${name} has no rule`)
  process.exitCode = old.length + leftOver.length > 0 ? 1 : 0
} else {
  mkdirSync(join(ROOT, FOLDER), { recursive: true })
  for (const name of old) writeFileSync(join(ROOT, FOLDER, name), pages.get(name)!)
  for (const name of leftOver) rmSync(join(ROOT, FOLDER, name))
  console.log(`${pages.size} pages: ${old.length} written, ${leftOver.length} removed`)
}

function textOf(name: string): string | null {
  return present.includes(name) ? readFileSync(join(ROOT, FOLDER, name), "utf8") : null
}

function fileNameOf(id: string): string {
  return id.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}
