import { libraryRules } from "../fixtures/libraryRules.ts"
import { testServerUrl } from "../fixtures/testServer.ts"
import type { LibraryTransaction, UserLibrary } from "../fixtures/userLibrary.ts"
import { connectPrisma } from "../fixtures/prismaClient.ts"
import type { PrismaClient, TransactionClient } from "../fixtures/prismaClient.ts"
import { fromPrisma } from "./index.ts"
import type { PrismaTransaction } from "./index.ts"

libraryRules("Prisma", async () => {
  const client = connectPrisma(await testServerUrl())
  return {
    transaction: (body, isolation = "read committed") =>
      client.$transaction((tx) => body(wrap(tx)), { isolationLevel: levels[isolation] }),
    wrong: { "the client": client },
    adapt: (given) => fromPrisma(given as PrismaTransaction),
    close: () => client.$disconnect(),
  } satisfies UserLibrary
})

const levels = {
  "read committed": "ReadCommitted",
  "repeatable read": "RepeatableRead",
  serializable: "Serializable",
} as const

function wrap(tx: TransactionClient): LibraryTransaction {
  return {
    adapted: fromPrisma(tx),
    run: async (text) => {
      await tx.$executeRawUnsafe(text)
    },
    nested: (body) => tx.$transaction((inner) => body(wrap(inner))),
  }
}

/** Never run: what the compiler must say. */
export function typed(client: PrismaClient, tx: TransactionClient): void {
  fromPrisma(tx)
  // @ts-expect-error -- the client is no transaction
  fromPrisma(client)
}
