import { expect, test } from "vitest"
import { Trace } from "./trace.ts"

function traceOf(...lookups: readonly number[]): Trace {
  const trace = new Trace()
  for (const one of lookups) trace.note(one)
  return trace
}

test("a trace tells its own look-ups and those of what it used, each once", () => {
  const [inner, outer] = [traceOf(3, 1, 3), traceOf(2, 1)]
  outer.use(inner.close())
  expect(outer.close().all()).toEqual([1, 2, 3])
})

test("what was used while it was still going on counts with all that it came to", () => {
  const [inner, outer] = [traceOf(), traceOf()]
  outer.use(inner)
  expect(outer.close().all()).toEqual([])
  inner.note(7)
  inner.close()
  expect(outer.all()).toEqual([7])
})

test("a trace that only used another is that one", () => {
  const inner = traceOf(1).close()
  const outer = traceOf()
  outer.use(inner)
  expect(outer.close()).toBe(inner)
  const other = traceOf(2)
  other.use(inner)
  expect(other.close().all()).toEqual([1, 2])
})

test("what used nothing is not held", () => {
  const outer = traceOf(4)
  outer.use(traceOf().close())
  expect(outer.close().all()).toEqual([4])
})

test("traces that looked up one thing and no more are one", () => {
  expect(traceOf(5).close()).toBe(traceOf(5).close())
  expect(traceOf(5).close().all()).toEqual([5])
  expect(traceOf(5, 6).close()).not.toBe(traceOf(5).close())
})

test("a trace that looked up one thing and used another tells both", () => {
  const outer = traceOf(5)
  outer.use(traceOf(8).close())
  expect(outer.close().all()).toEqual([5, 8])
  expect(traceOf(5).close().all()).toEqual([5])
})
