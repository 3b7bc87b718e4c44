/**
 * The guides of docs/review, held against the program: each command in a block of `sh` is run on a copy of
 * examples/review, a block of `text` behind it is what it prints, and every key of the configuration has its section.
 */
import { execFile, execFileSync } from "node:child_process"
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { defaultLimits } from "../../packages/review/src/adjudication/budget.ts"
import { commandEntries, reviewEntry } from "../../packages/review/src/cli/commands.ts"
import { parseWords } from "../../packages/review/src/cli/parse.ts"
import { parseBaseline } from "../../packages/review/src/config/baseline.ts"
import { readIgnores } from "../../packages/review/src/config/ignores.ts"
import { readConfig } from "../../packages/review/src/config/readConfig.ts"
import { configShape, type Shape } from "../../packages/review/src/config/shape.ts"
import {
  MAX_FILE_BYTES,
  MAX_FILES,
  MAX_TOTAL_BYTES,
} from "../../packages/review/src/files/limits.ts"
import { rules } from "../../packages/review/src/rules/rules.ts"
import { commandsIn, fencesOf } from "./shown.ts"

const ROOT = join(import.meta.dirname, "../..")
const GUIDES = join(ROOT, "docs/review")
const REVIEW_MAIN = pathToFileURL(join(ROOT, "packages/review/src/cli/main.ts")).href
const DROVER_MAIN = join(ROOT, "packages/drover/src/cli/main.ts")

/** What a test cannot run: it speaks with the network, or goes on until somebody ends it. */
const NOT_RUN =
  /drover-review (?:github|gitlab|mcp|lsp)\b|--watch\b|--file (?:github|gitlab)|--llm (?!.*--llm-dry-run)/

const guides = readdirSync(GUIDES).filter((name) => name.endsWith(".md"))
const knownRules = new Set(rules.map(({ id }) => id))

let folder: string
let repository: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "drover-guides-"))
  repository = join(folder, "shop")
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

function page(name: string): string {
  return readFileSync(join(GUIDES, name), "utf8")
}

/** A clone of the example on a branch of its own, with the reviewer installed in it as npm does. */
function prepare(): void {
  cpSync(join(ROOT, "examples/review"), repository, { recursive: true })
  const place = join(repository, "node_modules/@drover/review")
  mkdirSync(place, { recursive: true })
  const manifest = { name: "@drover/review", type: "module", bin: { "drover-review": "main.js" } }
  writeFileSync(join(place, "package.json"), JSON.stringify(manifest))
  writeFileSync(join(place, "main.js"), `import ${JSON.stringify(REVIEW_MAIN)}\n`)
  writeFileSync(join(repository, ".gitignore"), "node_modules/\n")
  const git = (...words: string[]): void => {
    const who = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    execFileSync("git", [...who, ...words], { cwd: repository, stdio: "pipe" })
  }
  git("init", "--quiet", "--initial-branch", "main")
  git("add", ".")
  git("commit", "--quiet", "--message", "shop: open")
  git("switch", "--quiet", "--create", "work")
  writeFileSync(join(repository, "NOTES.md"), "Nothing yet.\n")
  git("add", ".")
  git("commit", "--quiet", "--message", "shop: take notes")
  const bin = join(folder, "bin")
  mkdirSync(bin)
  const node = JSON.stringify(process.execPath)
  const program = (name: string, body: string): void =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  program("drover-review", `exec ${node} ${JSON.stringify(join(place, "main.js"))} "$@"`)
  program("drover", `exec ${node} ${JSON.stringify(DROVER_MAIN)} "$@"`)
  program("npx", `while [ "\${1#-}" != "$1" ]; do shift; done\nexec "$@"`)
}

/** Runs a command as a shell does. */
function run(command: string): Promise<{ status: number; out: string; err: string }> {
  const env = {
    PATH: [join(folder, "bin"), process.env["PATH"]].join(delimiter),
    HOME: folder,
    XDG_CACHE_HOME: join(folder, "cache"),
  }
  return new Promise((resolve) => {
    execFile("sh", ["-c", command], { cwd: repository, env }, (error, out, err) => {
      const status = error ? (typeof error.code === "number" ? error.code : -1) : 0
      resolve({ status, out, err })
    })
  })
}

/** How long something took is not what a guide promises. */
function withoutTimes(text: string): string {
  return text.replaceAll(/(\d+ files?), \d+\.\d s\)/g, "$1)").trim()
}

describe.each(guides)("%s", (name) => {
  const shown = commandsIn(page(name))
  const own = shown.filter(({ command }) => /\bdrover(?:-review)?\b/.test(command))

  test.skipIf(!own.some(({ command }) => !NOT_RUN.test(command)))(
    "its commands run, and print what it says",
    { timeout: 240_000 },
    async () => {
      prepare()
      for (const { command, line, output } of own) {
        if (NOT_RUN.test(command) || command.startsWith("npm ")) continue
        const { status, out, err } = await run(command)
        const told = `${name}:${line} ${command}\n${out}${err}`
        expect([0, 1], told).toContain(status)
        if (output !== null) expect(withoutTimes(out), told).toBe(withoutTimes(output))
      }
    },
  )

  test("what cannot be run here is at least understood", async () => {
    for (const { command, line } of own.filter((one) => NOT_RUN.test(one.command))) {
      const words = command
        .replace(/^.*?\bdrover-review\b/, "")
        .trim()
        .split(/\s+/)
      const entry = commandEntries.find((one) => one.name === words[0]) ?? reviewEntry
      const { options } = await entry.load()
      const rest = entry === reviewEntry ? words : words.slice(1)
      expect(() => parseWords(rest, options), `${name}:${line}`).not.toThrow()
    }
  })

  test("scripts of this repository that it names are there", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      scripts: Record<string, string>
    }
    const named = shown.flatMap(({ command }) => /^npm run (\S+)/.exec(command)?.[1] ?? [])
    expect(named.filter((script) => !(script in scripts))).toEqual([])
  })

  test("ignore comments that it shows hold something back", () => {
    for (const { text, language } of fencesOf(page(name))) {
      if (/^(?:sh|text|json|yaml|)$/.test(language)) continue
      for (const ignore of readIgnores(text, null)) {
        expect(ignore.problem).toBe(null)
        for (const rule of ignore.rules) expect([...knownRules]).toContain(rule)
      }
    }
  })
})

describe("configuration.md", () => {
  const text = page("configuration.md")

  test("every key has a section, with every value that it can have", () => {
    for (const [key, shape] of Object.entries(configShape.fields)) {
      const section = sectionOf(text, key)
      expect(section, key).not.toBe("")
      for (const value of valuesOf(shape)) expect(section, key).toContain(`\`${value}\``)
      if (shape.kind !== "map") continue
      for (const [inner, field] of Object.entries(shape.fields)) {
        const row = section.split("\n").find((line) => line.includes(`\`${key}.${inner}\``))
        expect(row, `${key}.${inner}`).toBeDefined()
        for (const value of valuesOf(field)) expect(row).toContain(`\`${value}\``)
      }
    }
  })

  test("no section is about a key that is not there", () => {
    const sections = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title)
    expect(new Set(sections)).toEqual(new Set(Object.keys(configShape.fields)))
  })

  test("its example has every key and is understood", async () => {
    const yaml = fencesOf(text).find(({ language }) => language === "yaml")!.text
    mkdirSync(repository)
    writeFileSync(join(repository, "drover.review.yaml"), yaml)
    const config = await readConfig(repository, knownRules)
    expect(config.adjudication.maxCalls).toBe(10)
    for (const key of Object.keys(configShape.fields)) expect(yaml).toContain(key)
  })
})

test("the baseline in ignoring.md is one", async () => {
  const json = fencesOf(page("ignoring.md")).find(({ language }) => language === "json")!.text
  expect((await parseBaseline("b.json", json)).entries).toHaveLength(1)
})

test("the bounds that guides name are those of the program", () => {
  const security = page("security.md")
  expect(security).toContain(`${MAX_FILE_BYTES / 1024 ** 2} MiB are passed over`)
  expect(security).toContain(`${spaced(MAX_FILES)} files or ${MAX_TOTAL_BYTES / 1024 ** 2} MiB`)
  const { maxCalls, maxInputTokens } = defaultLimits
  expect(page("adjudication.md")).toContain(
    `${maxCalls} requests and ${spaced(maxInputTokens)} tokens`,
  )
})

function sectionOf(text: string, title: string): string {
  const [, after] = text.split(`\n## ${title}\n`)
  return after?.split("\n## ")[0] ?? ""
}

function valuesOf(shape: Shape): readonly string[] {
  return shape.kind === "choice" ? shape.values : []
}

/** Thousands apart, as guides write them. */
function spaced(value: number): string {
  return String(value).replaceAll(/(?<=\d)(?=(?:\d{3})+$)/g, " ")
}
