/** Holds the write lock of a SQLite file until it is killed: somebody else's program in the middle of a transaction. */
import { DatabaseSync } from "node:sqlite"

const db = new DatabaseSync(process.env["DROVER_NEMESIS_FILE"] ?? "", { timeout: 5_000 })
db.exec("begin immediate")
process.send?.("ready")
process.on("disconnect", () => process.exit(0))
