import { describe, expect, test } from "vitest"
import { createRepository } from "./repository.fixture.ts"
import { runSession } from "./session.ts"

/** The rules that speak about one file under a configuration. */
async function spoken(path: string, text: string, config: object, only: string): Promise<string[]> {
  using repository = createRepository({
    [path]: text,
    "drover.review.yaml": JSON.stringify(config),
  })
  const { all } = await runSession({
    root: repository.root,
    cacheDir: null,
    threads: 1,
    today: "2026-06-15",
    only: [only],
  })
  return all.findings.map(({ rule }) => rule)
}

describe("what a configuration says of functions by their names", () => {
  test("a helper that adds chance clears a delay, and its name in another type does not", async () => {
    const text = `package client

import (
	"time"

	"example.com/lib/waiting"
)

func Connect() error {
	for {
		if err := dial(); err == nil {
			return nil
		}
		time.Sleep(waiting.Next())
	}
}
`
    const rule = "retry-without-jitter"
    expect(await spoken("client.go", text, {}, rule)).toEqual([rule])
    expect(await spoken("client.go", text, { knownJitterHelpers: ["waiting.Next"] }, rule)).toEqual(
      [],
    )
    expect(await spoken("client.go", text, { knownJitterHelpers: ["Next"] }, rule)).toEqual([])
    expect(await spoken("client.go", text, { knownJitterHelpers: ["other.Next"] }, rule)).toEqual([
      rule,
    ])
  })

  test("a function that tries again makes a loop around it a nested retry", async () => {
    const text = `import { stubbornly } from "elsewhere"
export async function load() {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      return await stubbornly(() => fetch("https://example.com"))
    } catch {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000))
    }
  }
}
`
    const rule = "nested-retry"
    expect(await spoken("load.ts", text, {}, rule)).toEqual([])
    expect(await spoken("load.ts", text, { knownRetries: ["stubbornly"] }, rule)).toEqual([rule])
  })
})
