import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import type { Draft } from "./rule.ts"
import { transactionalWrapsLock } from "./transactionalWrapsLock.ts"

async function draftsOf(annotation: string, body: string): Promise<Draft[]> {
  const text = `import org.springframework.transaction.annotation.Transactional;
class Accounts {
  ${annotation}
  public void book(Account a) {
    ${body}
  }
  @Transactional
  public void inner(Account a) { accountRepository.save(a); }
}`
  const program = await programOf([{ path: "Accounts.java", text }])
  return applyRule(transactionalWrapsLock, program.file("Accounts.java")!, program)
}

const locked = (work: string): string => `lock.lock(); try { ${work} } finally { lock.unlock(); }`
const SAVE = "accountRepository.save(a);"

test("found where rows are written between lock and unlock of a transactional method", async () => {
  const [draft] = await draftsOf("@Transactional", locked(SAVE))
  expect(draft!.because!.map((fact) => fact.text)).toEqual([
    "the transaction begins here",
    "the lock is taken here",
    "and given back here, before the commit",
  ])
})

test.each([
  ["no transaction", "", locked(SAVE)],
  ["nothing written under the lock", "@Transactional", `${locked("count++;")} ${SAVE}`],
  ["a transaction that reads", "@Transactional(readOnly = true)", locked(SAVE)],
  [
    "a transaction of its own under the lock",
    "@Transactional",
    locked(`transactionTemplate.execute(tx -> accountRepository.save(a));`),
  ],
  [
    "a release after the commit",
    "@Transactional",
    `lock.lock(); ${SAVE} afterCommit(() -> lock.unlock());`,
  ],
])("silent: %s", async (_what, annotation, body) => {
  expect(await draftsOf(annotation, body)).toEqual([])
})

test("a transactional method called on the object itself under a lock runs in no transaction", async () => {
  const [draft] = await draftsOf("", locked("inner(a);"))
  expect(draft!.message).toMatch(/@Transactional does nothing/)
})
