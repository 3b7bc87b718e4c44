import { expect, test } from "vitest"
import { keysOfClass, keysOfMigration, keysOfPrisma, tablesOfDrizzle } from "./uniqueKeys.ts"

test.each([
  ["a column of SQLAlchemy", "email = Column(String, unique=True)", [["email"]]],
  ["a typed column of SQLAlchemy", "email: Mapped[str] = mapped_column(unique=True)", [["email"]]],
  ["a constraint over two columns", 'x = (UniqueConstraint("team", "slug"),)', [["team", "slug"]]],
  [
    "Django's constraint, without its name",
    'UniqueConstraint(fields=["team", "slug"], name="one_slug")',
    [["team", "slug"]],
  ],
  ["Django's unique_together", 'unique_together = ("team", "slug")', [["team", "slug"]]],
  ["a column of JPA", "@Column(unique = true)\nprivate String email;", [["email"]]],
  [
    "a table's constraint of JPA",
    '@Table(uniqueConstraints = {@UniqueConstraint(name = "u", columnNames = {"team", "slug"})})',
    [["team", "slug"]],
  ],
  ["a column of TypeORM", "@Column({ unique: true })\nemail: string", [["email"]]],
  ["TypeORM's @Unique", '@Unique(["team", "slug"])', [["team", "slug"]]],
  [
    "one index over two of GORM's fields",
    'Team string `gorm:"uniqueIndex:one"`\nSlug string `gorm:"uniqueIndex:one"`',
    [["team", "slug"]],
  ],
])("the text of a class tells its unique columns: %s", (_what, text, keys) => {
  expect(keysOfClass(text)).toEqual(keys)
})

test("a class that speaks of uniqueness in a way that cannot be read is believed", () => {
  expect(keysOfClass("ensureUnique(this)")).toEqual([[]])
})

test("a class that says nothing of uniqueness has no key", () => {
  expect(keysOfClass("email = Column(String)")).toEqual([])
})

test("an index that is not unique is no key", () => {
  expect(keysOfClass('Index("ix_email", "email")')).toEqual([])
})

test("a model of Prisma has the keys of its fields and of its blocks", () => {
  const text =
    "model UserBadge {\n  id String @id\n  serial String @unique\n  @@unique([userId, badge])\n}\n"
  expect(keysOfPrisma(text)).toEqual([
    { table: "userbadge", keys: [["id"], ["serial"], ["userid", "badge"]] },
  ])
})

test("each table of Drizzle has its own keys", () => {
  const text =
    'export const users = pgTable("users", {\n  email: text("email").unique(),\n})\n' +
    'export const tags = pgTable("tags", { name: text("name") }, (t) => [uniqueIndex("u").on(t.team, t.name)])'
  expect(tablesOfDrizzle(text)).toEqual([
    { table: "user", keys: [["email"]] },
    { table: "tag", keys: [["team", "name"]] },
  ])
})

test("a migration of Alembic tells the table and the columns, and only of unique indexes", () => {
  const text =
    'op.create_unique_constraint("u", "users", ["email"])\nop.create_index("i", "users", ["name"])'
  expect(keysOfMigration(text)).toEqual([{ table: "user", columns: ["email"] }])
})
