import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { idempotencyKeyInternal } from "./idempotencyKeyInternal.ts"

async function tiers(text: string, path = "pay.py") {
  const program = await programOf([{ path, text }])
  return applyRule(idempotencyKeyInternal, program.file(path)!, program).map((one) => one.tier)
}

test("idempotency-key-internal is certain where the key is drawn within what is retried", async () => {
  const body = (draw: string) => `import uuid

def pay(bank):
    for attempt in range(3):
        try:
            return bank.pay(5, idempotency_key=${draw})
        except OSError:
            pass
`
  expect(await tiers(body("str(uuid.uuid4())"))).toEqual(["certain"])
  expect(await tiers(body("bank.order"))).toEqual([])
})

test("idempotency-key-internal leaves a drawn local key outside handlers to a reader, unless it is of a payment", async () => {
  const text = `import uuid

def send(other):
    key = str(uuid.uuid4())
    return other.send(5, idempotency_key=key)
`
  expect(await tiers(text, "send.py")).toEqual(["context"])
  expect(await tiers(text)).toEqual(["likely"])
})
