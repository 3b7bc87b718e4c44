/** `npm run new:rule NAME LANGUAGE…`: a rule's files, to be filled in; `npm test -- packages/review/src/rules` says what is missing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const PACKAGE = join(import.meta.dirname, "../../packages/review")
const LANGUAGES = ["go", "python", "javascript", "typescript", "java", "kotlin", "sql"]

const [id, ...languages] = process.argv.slice(2)
const unknown = languages.filter((language) => !LANGUAGES.includes(language))

if (
  id === undefined ||
  !/^[a-z]+(?:-[a-z]+)*$/.test(id) ||
  languages.length === 0 ||
  unknown.length > 0
) {
  console.error(
    `usage: npm run new:rule NAME LANGUAGE…, e.g. lock-static-token go python; languages: ${LANGUAGES.join(", ")}` +
      (unknown.length > 0 ? `; unknown: ${unknown.join(", ")}` : ""),
  )
  process.exitCode = 1
} else {
  create(id)
}

function create(id: string): void {
  const name = id.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const file = join(PACKAGE, "src/rules", `${name}.ts`)
  if (existsSync(file)) {
    console.error(`${file} is there already`)
    process.exitCode = 1
    return
  }
  writeFileSync(file, ruleText(id, name))
  writeFileSync(join(PACKAGE, "src/rules", `${name}.test.ts`), testText(id, name))
  for (const family of new Set(
    languages.map((one) => (one === "javascript" ? "typescript" : one)),
  )) {
    for (const verdict of ["bad", "good"]) {
      mkdirSync(join(PACKAGE, "fixtures", id, family, verdict), { recursive: true })
    }
  }
  enlist(name)
  console.log(
    `wrote ${name}.ts, its test and folders for its fixtures; see src/rules/fixtures/fixture.ts for their form`,
  )
}

/** Adds a rule to the list, which stays in order. */
function enlist(name: string): void {
  const path = join(PACKAGE, "src/rules/rules.ts")
  const text = readFileSync(path, "utf8")
  const names = [...text.matchAll(/^import \{ (\w+) \}/gm)].map((match) => match[1]!)
  const dashed = (one: string): string =>
    one.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const all = [...names, name].sort((a, b) => (dashed(a) < dashed(b) ? -1 : 1))
  const imports = all.map((one) => `import { ${one} } from "./${one}.ts"\n`).join("")
  const items = all.map((one) => `  ${one},\n`).join("")
  writeFileSync(
    path,
    `/** Every rule, in the order of their names. */\n${imports}import type { Rule } from "./rule.ts"\n\nexport const rules: readonly Rule[] = [\n${items}]\n`,
  )
}

function ruleText(id: string, name: string): string {
  return `/** ${id}: */
import type { Rule } from "./rule.ts"

export const ${name}: Rule = {
  id: "${id}",
  title: "",
  languages: [${languages.map((one) => `"${one}"`).join(", ")}],
  scope: "code",
  mentions: /./,
  docs: {
    what: "",
    why: "",
    silent: [],
    reach: { sees: [], misses: [] },
    fix: "",
    reference: "",
    examples: {},
  },
  check(_file, _program, _report) {},
}
`
}

function testText(id: string, name: string): string {
  return `import { expect, test } from "vitest"
import { ${name} } from "./${name}.ts"

test("${id} says what has to be written here", () => {
  expect(${name}.docs.what).not.toBe("")
})
`
}
