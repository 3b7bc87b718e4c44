import { expect, test } from "vitest"
import { judgeMove } from "./moveHealth.ts"
import type { MoveNote } from "./moveStore.ts"

const note = (role: MoveNote["role"], state: MoveNote["state"]): MoveNote => {
  return { id: "m", role, state, peer: "postgres://host/app", progress: {} }
}

test("a database without a move, and one that took a move in, are well", () => {
  expect(judgeMove(null).status).toBe("ok")
  expect(judgeMove(note("target", "moved"))).toMatchObject({ status: "ok" })
})

test.each([
  [note("source", "moving"), /it is being moved to postgres:\/\/host\/app: repeat .* --abort/],
  [note("target", "moving"), /it is being filled from postgres:\/\/host\/app: repeat .* --abort/],
  [note("source", "moved"), /was moved to postgres:\/\/host\/app .* for good/],
])("a database that is shut is a fault, and what to do is said", (given, message) => {
  expect(judgeMove(given)).toMatchObject({
    check: "move",
    status: "fail",
    message: expect.stringMatching(message),
  })
})
