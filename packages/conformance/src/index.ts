/**
 * The suite that every store passes: the contract of `drover/store` as rules in words, each run in a
 * fresh database with two processes over it. A driver's own tests hand `storeSuite` a harness.
 */
export type { Harness, OwnConnection, StoreProcess } from "./harness.ts"
export { storeSuite } from "./storeSuite.ts"
export type { StoreUnderTest } from "./storeSuite.ts"
