import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { expect, test } from "vitest"
import { changesBetween, diffChanges } from "../files/changes.ts"
import { Ground } from "../files/ground.fixture.ts"
import type { Rule } from "../rules/rule.ts"
import { review, type Progress, type Review, type ReviewOptions } from "./review.ts"

/** Says something of each call of `sleep` in a function that no other file's `calm` clears. */
const sleepless: Rule = {
  id: "sleepless",
  title: "sleep",
  languages: ["go", "python"],
  scope: "code",
  mentions: /sleep/gi,
  docs: {
    what: "",
    why: "",
    silent: [],
    reach: { sees: [], misses: [] },
    fix: "Do not sleep.",
    reference: "https://example.org/",
    examples: {},
  },
  check(file, program, report) {
    if (program.functionsNamed("calm").length > 0) return
    for (const call of file.calls) {
      if (call.name.toLowerCase() !== "sleep") continue
      const draft = { at: call, tier: "likely", severity: "low", message: "sleeps" } as const
      report({ ...draft, because: [{ text: "here", at: call.callee }], checked: ["calm"] })
      report({ ...draft, tier: "certain" })
    }
  },
}

const failing: Rule = {
  ...sleepless,
  id: "failing",
  check(file) {
    if (file.path === "b.py") throw new Error("this is no moon")
  },
}

const NAP = "def nap():\n    sleep(1)\n"

function run(root: string, options: Partial<ReviewOptions> = {}): Promise<Review> {
  return review({ root, cacheDir: null, rules: [sleepless], ...options })
}

function told(result: Review, findings = result.findings): string[] {
  return findings.map(
    ({ path, line, column, rule, symbol }) => `${path}:${line}:${column} ${rule} ${symbol}`,
  )
}

test("findings are told once each, with their place, their function and the most certain tier", async () => {
  using ground = new Ground()
  ground.write({
    "b.py": NAP,
    "a.py": `x = 1\n\nclass Bed:\n${NAP.replace(/^/gm, "  ")}`,
    "c.txt": "sleep",
  })
  const result = await run(ground.root)
  expect(told(result)).toEqual(["a.py:5:7 sleepless Bed.nap", "b.py:2:5 sleepless nap"])
  expect(result.findings[0]).toMatchObject({
    tier: "certain",
    endLine: 5,
    fix: { text: "Do not sleep." },
    reference: "https://example.org/",
  })
  expect(result.files).toBe(2)
  expect(result.textOf("b.py")).toBe(NAP)
  expect(result.textOf("none.py")).toBeNull()
  expect(result.unitOf("b.py")?.language).toBe("python")
})

test("a mistake in an example or a script waits until it is asked for", async () => {
  using ground = new Ground()
  ground.write({ "examples/a.py": NAP, "b.py": NAP })
  const likely: Rule = {
    ...sleepless,
    check(file, _program, report) {
      for (const at of file.calls) report({ at, tier: "likely", severity: "low", message: "" })
    },
  }
  const { findings } = await run(ground.root, { rules: [likely] })
  expect(findings.map(({ path, tier }) => `${path} ${tier}`)).toEqual([
    "b.py likely",
    "examples/a.py context",
  ])
})

test("a rule sees the whole repository, and its findings only where they are asked for", async () => {
  using ground = new Ground()
  ground.write({ "a/a.py": NAP, "b/b.py": NAP, "c.py": NAP })
  expect(told(await run(ground.root, { paths: ["b", ground.path("c.py")] }))).toEqual([
    "b/b.py:2:5 sleepless nap",
    "c.py:2:5 sleepless nap",
  ])
  expect((await run(ground.root, { isExcluded: (path) => path !== "c.py" })).paths).toEqual([
    "c.py",
  ])
  ground.write({ "d.py": "def calm():\n    lock()\n" })
  expect(told(await run(ground.root, { paths: ["b"] }))).toEqual([])
})

test("a rule is shown only the languages, the scope and the texts that it names", async () => {
  using ground = new Ground()
  const seen: string[] = []
  const curious: Rule = { ...sleepless, mentions: /lock/i, check: (file) => seen.push(file.path) }
  ground.write({
    "a.py": "lock()",
    "b.js": "lock()",
    "tests/a.py": "lock()",
    "c.py": "other()",
    "d.go": "package lock",
  })
  await run(ground.root, { rules: [curious] })
  expect(seen).toEqual(["a.py", "d.go"])
  seen.length = 0
  await run(ground.root, { rules: [{ ...curious, scope: "tests" }] })
  expect(seen).toEqual(["tests/a.py"])
})

test("a rule that fails costs a notice with its name and its file, never the run", async () => {
  using ground = new Ground()
  ground.write({ "a.py": NAP, "b.py": NAP })
  const result = await run(ground.root, { rules: [failing, sleepless] })
  expect(told(result)).toHaveLength(2)
  expect(result.notices).toEqual([
    { code: "rule-failed", message: "failing failed here: this is no moon", path: "b.py" },
  ])
})

test("a rule that finds something everywhere is bounded in each file", async () => {
  using ground = new Ground()
  ground.write({ "a.py": "sleep(1)\n".repeat(150) })
  const result = await run(ground.root)
  expect(result.findings).toHaveLength(100)
  expect(new Set(result.findings.map(({ fingerprint }) => fingerprint)).size).toBe(100)
  expect(result.notices.map(({ code }) => code)).toEqual(["limit-findings"])
})

/** Enough text that threads are worth their start. */
function writeMany(ground: Ground): void {
  const filler = "def work(a, b):\n    return [a.lock(b), b.wait(a), 'text', 1.5]\n".repeat(60)
  for (let i = 0; i < 120; i++)
    ground.write({ [`m${i % 7}/f${i}.py`]: `${filler}${i % 3 ? NAP : ""}` })
  ground.write({
    "broken.py": "def (((((",
    "a.go": "package a\nfunc f() { time.Sleep(1) }",
    "k.yaml": "replicas: 3",
  })
}

function bytesOf(result: Review): string {
  const { findings, fixed, notices, paths } = result
  return JSON.stringify({ findings, fixed, notices, paths })
}

test("one thread, four threads, a cold and a warm cache give the same bytes", async () => {
  using ground = new Ground()
  writeMany(ground)
  const one = bytesOf(await run(ground.root, { threads: 1 }))
  expect(JSON.parse(one).findings).toHaveLength(80 + 1)
  expect(bytesOf(await run(ground.root, { threads: 4 }))).toBe(one)
  const cacheDir = join(ground.folder, "cache")
  expect(bytesOf(await run(ground.root, { threads: 4, cacheDir }))).toBe(one)
  expect(bytesOf(await run(ground.root, { threads: 4, cacheDir }))).toBe(one)
  expect(bytesOf(await run(ground.root, { rules: [sleepless], threads: 1, cacheDir }))).toBe(one)
}, 60_000)

test("files that were made in another order give the same bytes", async () => {
  using ground = new Ground()
  using other = new Ground()
  const names = ["b.py", "a.py", "c/d.py", "c.py"]
  for (const name of names) ground.write({ [name]: NAP })
  for (const name of names.toReversed()) other.write({ [name]: NAP })
  expect(bytesOf(await run(ground.root))).toBe(bytesOf(await run(other.root)))
})

test("a rule that came after the cache was filled is asked about every text", async () => {
  using ground = new Ground()
  ground.write({ "a.py": "zebra()", "b.py": NAP })
  const cacheDir = join(ground.folder, "cache")
  await run(ground.root, { cacheDir })
  const seen: string[] = []
  const zebra: Rule = {
    ...sleepless,
    id: "zebra",
    mentions: /zebra/,
    check: (file) => seen.push(`${file.calls.length}`),
  }
  await run(ground.root, { cacheDir, rules: [zebra] })
  expect(seen).toEqual(["1"])
  await run(ground.root, { cacheDir, rules: [zebra, sleepless] })
  expect(seen).toEqual(["1", "1"])
})

test("an empty folder, an empty file and bytes of any kind are reviewed like any other", async () => {
  using ground = new Ground()
  expect((await run(ground.root)).files).toBe(0)
  ground.write({
    "a.py": "",
    "b.go": "sleep \uFFFD\uD83D(((",
    "c.py": Buffer.from([115, 108, 101, 101, 112, 200, 201, 40]),
  })
  expect((await run(ground.root)).files).toBe(3)
})

test("a run that is called off ends with its reason", async () => {
  using ground = new Ground()
  writeMany(ground)
  const controller = new AbortController()
  const onProgress = (): void => controller.abort(new Error("enough"))
  await expect(
    run(ground.root, { threads: 2, signal: controller.signal, onProgress }),
  ).rejects.toThrow("enough")
  await expect(
    run(ground.root, { threads: 1, signal: AbortSignal.abort(new Error("early")) }),
  ).rejects.toThrow("early")
})

test("a run whose time is up tells what it has, and that it is not all", async () => {
  using ground = new Ground()
  ground.write({ "a.py": NAP })
  const result = await run(ground.root, { deadlineMs: 0 })
  expect(result.notices.map(({ code }) => code)).toContain("deadline")
})

// --- comparisons -------------------------------------------------------------------------------------------------

async function compare(ground: Ground, base: string): Promise<Review> {
  return run(ground.root, { changes: await changesBetween(ground.root, base) })
}

test("what is new is told, what was there is kept apart however its lines moved, what went is told as fixed", async () => {
  using ground = new Ground()
  const base = ground.commit({ "a.py": NAP, "b.py": NAP, "c.py": NAP })
  ground.write({
    "a.py": `x = 1\n\n\n${NAP}`,
    "b.py": `${NAP}\ndef doze():\n    sleep(2)\n`,
    "c.py": "def nap():\n    pass\n",
  })
  const result = await compare(ground, base)
  expect(told(result)).toEqual(["b.py:5:5 sleepless doze"])
  expect(told(result, result.existing)).toEqual([
    "a.py:5:5 sleepless nap",
    "b.py:2:5 sleepless nap",
  ])
  expect(told(result, result.fixed)).toEqual(["c.py:2:5 sleepless nap"])
})

test("a renamed file, also one that was changed, and a renamed function keep what they had", async () => {
  using ground = new Ground()
  const filler = Array.from({ length: 10 }, (_, i) => `x${i} = lock(${i})\n`).join("")
  const base = ground.commit({ "a.py": NAP, "b.py": filler + NAP, "c.py": NAP })
  ground.remove("a.py").remove("b.py")
  ground.write({
    "moved/a.py": NAP,
    "z.py": `y = 1\n${filler}${NAP}`,
    "c.py": NAP.replace("nap", "doze"),
  })
  const result = await compare(ground, base)
  expect(told(result)).toEqual([])
  expect(result.fixed).toEqual([])
  expect(result.existing).toHaveLength(3)
})

test("a finding in a file that did not change is new when what cleared it went", async () => {
  using ground = new Ground()
  const base = ground.commit({ "a.py": NAP, "b.py": "def calm():\n    wait()\n" })
  ground.write({ "b.py": "def storm():\n    wait()\n" })
  expect(told(await compare(ground, base))).toEqual(["a.py:2:5 sleepless nap"])
})

test("a caller of what changed is looked at in both trees, also when nothing is found in it now", async () => {
  using ground = new Ground()
  const calling: Rule = {
    ...sleepless,
    check(file, program, report) {
      const nap = program.functionsNamed("nap")[0]
      if (!nap?.source.text.includes("sleep")) return
      for (const call of file.calls) {
        if (call.name === "nap") {
          report({ at: call, tier: "likely", severity: "low", message: "naps" })
        }
      }
    },
  }
  const caller = "def day():\n    nap()\n"
  const base = ground.commit({ "a.py": caller, "b.py": NAP, "c.py": "lock()\n" })
  const rules = [{ ...calling, mentions: /nap/ }]
  ground.write({ "b.py": "def nap():\n    wait(1)\n" })
  const changes = await changesBetween(ground.root, base)
  const result = await run(ground.root, { changes, rules })
  expect(told(result, result.fixed)).toEqual(["a.py:2:5 sleepless day"])
})

test("when the configuration changed, every file is looked at in both trees", async () => {
  using ground = new Ground()
  const fleet: Rule = {
    ...sleepless,
    check(file, program, report) {
      if (!program.evidence.fleet(file.path)) return
      const at = { start: 0, end: 1 }
      report({ at, tier: "likely", severity: "low", message: "a fleet" })
    },
  }
  const base = ground.commit({ "a.py": NAP, "k.yaml": "replicas: 3" })
  ground.write({ "k.yaml": "replicas: 1" })
  const changes = await changesBetween(ground.root, base)
  const result = await run(ground.root, { changes, rules: [fleet] })
  expect(told(result, result.fixed)).toEqual(["a.py:1:1 sleepless nap"])
})

test("a tree that was seen before is not checked again, and one that differs in anything is", async () => {
  using ground = new Ground()
  ground.write({ "a.py": RETRY })
  const steps = async (options: Partial<ReviewOptions> = {}): Promise<string[]> => {
    const seen: string[] = []
    const onProgress = ({ step }: Progress): number => seen.push(step)
    const { findings } = await review({ root: ground.root, cacheDir, onProgress, ...options })
    return [...new Set([...seen, `${findings.length}`])]
  }
  const cacheDir = join(ground.folder, "cache")
  const found = (await steps()).at(-1)!
  expect(Number(found)).toBeGreaterThan(0)
  expect(await steps()).toEqual(["listing", found])
  expect(await steps({ rules: [] })).toEqual(["listing", "checking", "0"])
  expect(await steps({ isFleet: true })).toContain("checking")
  ground.write({ "k.yaml": "replicas: 2" })
  expect(await steps()).toContain("checking")
  ground.write({ "a.py": `${RETRY}\n` })
  expect(await steps()).toContain("reading")
})

const RETRY = `import time
import requests

def load(url):
    delay = 1
    while True:
        try:
            return requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(delay)
            delay = delay * 2
`

test("the same comparison comes from a diff alone", async () => {
  using ground = new Ground()
  ground.commit({ "a.py": NAP, "b.py": NAP })
  ground.write({ "b.py": `${NAP}\ndef doze():\n    sleep(2)\n` })
  const changes = diffChanges(ground.root, `${ground.git("diff")}\n`)
  const result = await run(ground.root, { changes })
  expect(told(result)).toEqual(["b.py:5:5 sleepless doze"])
  expect(result.existing).toHaveLength(2)
})

test("all of it runs from the sources as they are, with threads", () => {
  using ground = new Ground()
  writeMany(ground)
  const script = `
    import { review } from ${JSON.stringify(join(import.meta.dirname, "review.ts"))}
    const { files, notices } = await review({ root: process.argv[1], cacheDir: null, threads: 2 })
    console.log(files, notices.length)
  `
  const args = [
    "--conditions=@drover/source",
    "--input-type=module-typescript",
    "-e",
    script,
    ground.root,
  ]
  expect(execFileSync(process.execPath, args, { encoding: "utf8" }).trim()).toBe("122 0")
}, 60_000)

test("a head that cannot be read is told as it is, also when the base has nothing to ask of it", async () => {
  using ground = new Ground()
  ground.commit({ "a.go": "package a\n" })
  const failure = new Error("the disk is gone")
  const changes = {
    head: { load: () => Promise.reject(failure) },
    base: { load: () => Promise.resolve({ files: [], notices: [] }) },
  }
  // A rejection that nobody takes would fail this run of tests.
  await expect(run(ground.root, { changes })).rejects.toBe(failure)
})
