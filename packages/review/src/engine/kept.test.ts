import { expect, test } from "vitest"
import type { Program } from "../analysis/program/program.ts"
import { question } from "../analysis/program/question.ts"
import { Ground } from "../files/ground.fixture.ts"
import type { Rule } from "../rules/rule.ts"
import { review } from "./review.ts"

const HELPER = `package lib

import (
	"math/rand"
	"time"
)

func NextDelay(attempt int) time.Duration {
	return grown(attempt) + time.Duration(rand.Int63n(int64(time.Second)))
}
`
const PLAIN_HELPER = HELPER.replace(
  " + time.Duration(rand.Int63n(int64(time.Second)))",
  "",
).replace('\n\t"math/rand"', "")
const GROWN = `package lib

import "time"

func grown(attempt int) time.Duration { return time.Duration(attempt) * time.Second }
`
const CLIENT = `package client

import (
	"time"

	"example.org/app/lib"
)

func Connect() error {
	for attempt := 0; ; attempt++ {
		if err := dial(); err == nil {
			return nil
		}
		time.Sleep(lib.NextDelay(attempt))
	}
}
`
const TREE = {
  "lib/delay.go": HELPER,
  "lib/grown.go": GROWN,
  "client/client.go": CLIENT,
  "client/other.go": "package client\n\nfunc dial() error { return call() }\n",
  "deploy.yaml": "replicas: 1\n",
}

/** Changes of a tree, one after the other; null removes a file. */
const STEPS: readonly Readonly<Record<string, string | null>>[] = [
  { "lib/delay.go": PLAIN_HELPER },
  { "deploy.yaml": "replicas: 3\n" },
  { "lib/delay.go": null, "lib/moved.go": HELPER },
  { "lib/grown.go": GROWN.replace("Second }", "Second + jitter() }") },
  { "client/client.go": `// moved down\n\n${CLIENT}`, "lib/moved.go": PLAIN_HELPER },
  { "lib/more.go": "package lib\n\nfunc NextDelay(n int) int { return 1 }\n" },
  { "lib/more.go": null, "deploy.yaml": null },
  { "client/client.go": CLIENT.replace("lib.NextDelay(attempt)", "5 * time.Second") },
]

const STORE = `package pg

import "database/sql"

type rows struct{ db *sql.DB }

func (r *rows) Fetch(id string) (*Item, error) {
	var item Item
	err := r.one(id).Scan(&item.ID, &item.Stock)
	return &item, err
}

func (r *rows) SetStock(id string, stock int) error {
	_, err := r.db.Exec("UPDATE items SET stock = $1 WHERE id = $2", stock, id)
	return err
}
`
const ROW = `package pg

import "database/sql"

func (r *rows) one(id string) *sql.Row {
	return r.db.QueryRow("SELECT id, stock FROM items WHERE id = $1", id)
}
`
const SALES = `package sales

type Shelf interface {
	Fetch(id string) (*Item, error)
	SetStock(id string, stock int) error
}

type Sales struct{ shelf Shelf }

func (s *Sales) Sell(id string, n int) error {
	item, err := s.shelf.Fetch(id)
	if err != nil {
		return err
	}
	return s.shelf.SetStock(id, item.Stock-n)
}
`
/** Rows that are read and written behind an interface, up to three files away. */
const ROWS = { "pg/store.go": STORE, "pg/row.go": ROW, "sales/sales.go": SALES }

const ROW_STEPS: readonly Readonly<Record<string, string | null>>[] = [
  { "pg/row.go": ROW.replace("id = $1", "id = $1 FOR UPDATE") },
  { "pg/row.go": ROW },
  { "pg/store.go": STORE.replace("stock = $1", "stock = stock - $1") },
  { "pg/store.go": STORE },
  {
    "other/store.go": STORE.replaceAll("rows", "others").replace(
      "stock = $1",
      "stock = stock - $1",
    ),
  },
  { "other/store.go": null },
  { "sales/sales.go": `// moved down\n\n${SALES}` },
  { "pg/store.go": null },
]

test.each([
  ["retries", TREE, STEPS, 4],
  ["rows", ROWS, ROW_STEPS, 2],
])(
  "a run that knows earlier ones says what a run that knows nothing says, after every change: %s",
  async (_, tree, steps, fewest) => {
    using ground = new Ground()
    ground.write(tree)
    const cacheDir = `${ground.root}/.cache`
    const said = new Set<string>()
    for (const step of [{}, ...steps, tree]) {
      for (const [path, text] of Object.entries(step)) {
        if (text === null) ground.remove(path)
        else ground.write({ [path]: text })
      }
      const { findings } = await review({ root: ground.root, cacheDir, threads: 1 })
      const fresh = await review({ root: ground.root, cacheDir: null, threads: 1 })
      expect(findings).toEqual(fresh.findings)
      said.add(JSON.stringify(findings))
    }
    // The steps are worth taking only if they change what is found.
    expect(said.size).toBeGreaterThan(fewest)
  },
)

const LONGEST = question("longest path", (program) =>
  Math.max(...program.sources.map(({ path }) => path.length)),
)

/** What a rule may look at, each by a name. */
const LOOKS: Readonly<Record<string, (program: Program) => unknown>> = {
  functions: (program) => program.functionsNamed("helper").length,
  classes: (program) => program.classesNamed("Helper").map(({ fields }) => fields),
  subclasses: (program) => program.subclassesOf("Helper").map(({ name }) => name),
  callers: (program) => program.sourcesCalling("helper").map(({ path }) => path),
  text: (program) => program.functionsNamed("helper")[0]?.source.text,
  tree: (program) => program.file("b.py")?.calls.map(({ name }) => name),
  sources: (program) => program.sources.length,
  question: (program) => program.ask(LONGEST, ""),
  evidence: (program) => program.evidence.find("a.py", /magic/, "everywhere", "magic"),
  memo: (program) => program.memo(MEMO, program, 0, () => program.sourcesCalling("helper").length),
}
const MEMO = Symbol("memo of a test")

test.each(Object.entries(LOOKS))(
  "with what a rule sees through %s, what it said before goes",
  async (_, look) => {
    using ground = new Ground()
    const base = { "a.py": "start()\n", "b.py": "def helper():\n    lock()\n" }
    ground.write(base)
    const more = { "longer.py": "class Helper(Helper):\n  x: int = 1\n\nhelper(lock)\nmagic()\n" }
    const seen: string[] = []
    const rule: Rule = {
      id: "looker",
      title: "",
      languages: ["python"],
      scope: "code",
      mentions: /start/,
      docs: {
        what: "",
        why: "",
        silent: [],
        reach: { sees: [], misses: [] },
        fix: "",
        reference: "https://example.org/",
        examples: {},
      },
      check(file, program, report) {
        const message = JSON.stringify(look(program)) ?? "nothing"
        seen.push(message)
        report({ at: file.calls[0]!, tier: "likely", severity: "low", message })
      },
    }
    const options = { root: ground.root, cacheDir: null, rules: [rule], threads: 1 }
    const before = ground.commit(base)
    ground.write({
      ...more,
      "b.py": "def helper():\n    return lock_later()\n\ndef helper():\n    pass\n",
    })
    const { changesBetween } = await import("../files/changes.ts")
    const changes = await changesBetween(ground.root, before)
    const result = await review({ ...options, changes })
    const [head, tail] = [seen[0], seen[1]]
    expect(seen).toHaveLength(2)
    expect(head).not.toBe(tail)
    expect([...result.findings, ...result.existing].map(({ message }) => message)).toEqual([head])
  },
)

test("what changed beside all that a rule looked at is no reason to look again", async () => {
  using ground = new Ground()
  let checks = 0
  const rule: Rule = {
    id: "looker",
    title: "",
    languages: ["python"],
    scope: "code",
    mentions: /start/,
    docs: {
      what: "",
      why: "",
      silent: [],
      reach: { sees: [], misses: [] },
      fix: "",
      reference: "https://example.org/",
      examples: {},
    },
    check(_, program) {
      checks++
      program.functionsNamed("helper")
    },
  }
  const base = ground.commit({ "a.py": "start()\n", "b.py": "def helper():\n    lock()\n" })
  ground.write({ "b.py": "x = lock(1)\n\ndef helper():\n    lock(2)\n" })
  const { changesBetween } = await import("../files/changes.ts")
  const changes = await changesBetween(ground.root, base)
  await review({ root: ground.root, cacheDir: null, rules: [rule], threads: 1, changes })
  expect(checks).toBe(1)
})
