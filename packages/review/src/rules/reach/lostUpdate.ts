/** How far lost-update sees. */
import type { Reach } from "../rule.ts"

export const lostUpdateReach: Reach = {
  sees: [
    "A column that is read and written back changed in one function: SQL in strings, Knex, Kysely, Drizzle, Supabase, Prisma, TypeORM, Sequelize, Mongoose, Django, SQLAlchemy, GORM, Exposed, JPA and Spring Data; by a statement, or by an entity that is changed and saved, or managed by a transaction.",
    "Changes: sums and differences, `add` and `subtract`, a method of the record that counts (`product.decreaseStock(1)`), and maps or lists that are written back whole with one part changed.",
    "Records that another function read and handed on, and in Django records that add to a field of their own and save themselves.",
    "Redis and other stores of keys (get, compute, set), and stores of the repository's own named kv, store, storage, repository or state; a file is looked at when it sets, saves, updates or commits something.",
    "In TypeScript and Python files that an async method of a store reads, changes and writes; in SQL functions that select into a variable and update from it.",
  ],
  misses: [
    "A value that goes through a page or a client: read in one request and written in the next.",
    "A read and a write in two functions, unless the record itself is handed on.",
    "An isolation level that is set for the whole database or connection.",
    "Migrations, scripts, fixtures and commands, which somebody runs once.",
  ],
}
