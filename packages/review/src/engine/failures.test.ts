import { expect, test, vi } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { Ground } from "../files/ground.fixture.ts"
import { review } from "./review.ts"

vi.mock(import("../frontends/parse.ts"), async (load) => {
  const real = await load()
  // One file has no time at all.
  return {
    ...real,
    parseSource: (path, text) =>
      real.parseSource(path, text, path.endsWith("endless.py") ? -1 : undefined),
  }
})

const ENDLESS = "lock(1, 2, 3)\n".repeat(2_000)
const CODE = "def nap():\n    sleep(1)\n"

test("a file that cannot be parsed in time costs itself, and a notice says so", async () => {
  using ground = new Ground()
  ground.write({ "endless.py": ENDLESS, "a.py": CODE })
  const { notices, files, program } = await review({ root: ground.root, cacheDir: null })
  expect(notices).toEqual([
    {
      code: "file-not-understood",
      path: "endless.py",
      message: "was passed over: parsing did not end within -1 ms",
    },
  ])
  expect(files).toBe(2)
  expect(program.functionsNamed("nap")).toHaveLength(1)
})

test("a failure is not remembered: the next run tries again and says the same", async () => {
  using ground = new Ground()
  ground.write({ "endless.py": ENDLESS, "a.py": CODE })
  const options = { root: ground.root, cacheDir: `${ground.root}/.cache` }
  const first = await review(options)
  expect((await review(options)).notices).toEqual(first.notices)
})

test("a program of texts in memory passes over what cannot be parsed, and says so", async () => {
  const failures: string[] = []
  const texts = [
    { path: "endless.py", text: ENDLESS },
    { path: "a.py", text: CODE },
  ]
  const onFailure = (path: string, message: string) => failures.push(`${path}: ${message}`)
  const program = await programOf(texts, { onFailure })
  expect(failures).toEqual(["endless.py: parsing did not end within -1 ms"])
  expect(program.sources.map(({ path }) => path)).toEqual(["a.py", "endless.py"])
  expect(program.functionsNamed("nap")).toHaveLength(1)
})
