/** Moving everything from one database to another; see `drover move` and docs/guides/moving.md. */
export { abortMove, move } from "./move.ts"
export type { MoveEnds, MoveReport } from "./move.ts"
