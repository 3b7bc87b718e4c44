import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { checkThenActMap } from "./checkThenActMap.ts"
import type { Draft } from "./rule.ts"

async function draftsOf(path: string, text: string): Promise<Draft[]> {
  const program = await programOf([{ path, text }])
  return applyRule(checkThenActMap, program.file(path)!, program)
}

test("the finding stands at the test and tells where the key is put in", async () => {
  const text = `class Hosts {
  clients = new Map()
  async get(host) {
    if (!this.clients.has(host)) this.clients.set(host, await connect(host))
  }
}`
  const [draft] = await draftsOf("hosts.ts", text)
  expect(text.slice(draft!.at.start, draft!.at.end)).toBe("!this.clients.has(host)")
  expect(text.slice(draft!.because!.at(-1)!.at!.start)).toMatch(/^this\.clients\.set/)
})

test("two who compute the same value and keep either are for those who want to know", async () => {
  const text = `package a
type C struct { mu sync.RWMutex; sizes map[string]int }
func (c *C) Size(k string) int {
	c.mu.RLock()
	n, ok := c.sizes[k]
	c.mu.RUnlock()
	if ok { return n }
	n = len(k)
	c.mu.Lock()
	c.sizes[k] = n
	c.mu.Unlock()
	return n
}`
  expect((await draftsOf("c.go", text)).map((draft) => draft.tier)).toEqual(["context"])
})

test("another key than the one that was asked for proves nothing", async () => {
  const text = `const rooms = new Map()
async function open(a, b) {
  if (rooms.has(a)) throw new Error("taken")
  rooms.set(b, await createRoom(b))
}`
  expect(await draftsOf("rooms.ts", text)).toEqual([])
})

test("a second look under the lock through the same variable counts", async () => {
  const text = `package a
func (t *T) get(id string) *Session {
	t.mu.RLock()
	s, ok := t.sessions[id]
	t.mu.RUnlock()
	if ok { return s }
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok = t.sessions[id]
	if ok { return s }
	s = NewSession(id)
	t.sessions[id] = s
	return s
}`
  expect(await draftsOf("t.go", text)).toEqual([])
})
