/** How far lost-update sees. */
import type { Reach } from "../rule.ts"

export const lostUpdateReach: Reach = {
  sees: [
    "A column that is read and written back changed in one function: SQL in strings, Knex, Kysely, Drizzle, Supabase, Prisma, TypeORM, Sequelize, Mongoose, Django, SQLAlchemy, GORM, Exposed, JPA and Spring Data; by a statement, or by an entity that is changed and saved, or managed by a transaction.",
    "Changes: sums and differences, `add` and `subtract`, a method of the record that counts (`product.decreaseStock(1)`), and maps or lists that are written back whole with one part changed.",
    "Rows that are read or written by functions of the program, up to three calls away and in other files: through imports, modules, instances, interfaces with one implementation (or several that do the same), base classes and injected fields; a value that is handed to them, a record whose fields they write, and what they lay over a row (`update(user, { balance })`). The queries and locks of annotations (`@Query`, `@Lock`) count too.",
    "Records that another function read and handed on, and in Django records that add to a field of their own and save themselves.",
    "Redis and other stores of keys (get, compute, set), and stores of the repository's own named kv, store, storage, repository or state; a file is looked at when it sets, saves, updates or commits something.",
    "In TypeScript and Python files that an async method of a store reads, changes and writes; in SQL functions that select into a variable and update from it.",
  ],
  misses: [
    "A value that goes through a page or a client: read in one request and written in the next.",
    "A read in one function and a write in another that neither calls; functions whose names say nothing of rows, that are chosen at run time, or are longer than 6,000 characters.",
    "Values that a function makes of a record before it saves it, other than by sums and differences.",
    "An isolation level that is set for the whole database or connection.",
    "Migrations, scripts, fixtures and commands, which somebody runs once.",
  ],
}
