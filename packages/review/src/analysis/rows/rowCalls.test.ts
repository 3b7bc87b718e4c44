import { expect, test } from "vitest"
import { programOf, type TextAt } from "../program/programOf.ts"
import { rowCallsOf } from "./rowCalls.ts"

async function rowsIn(path: string, texts: readonly TextAt[]) {
  const program = await programOf(texts)
  const file = program.file(path)!
  return rowCallsOf(program, file).map((row) => ({
    kind: row.kind,
    call: row.call.name,
    table: row.table,
    where: row.where.map((one) => `${one.column}=${one.value}`),
    sets: row.sets.map((set) => `${set.column}=${set.value ? file.textOf(set.value) : ""}`),
    locks: row.locks,
    results: row.results,
    steps: row.through?.steps.map((one) => one.fn.name) ?? [],
  }))
}

const REPOSITORY = `
export async function findOrder(id: string) { const { rows } = await pool.query("SELECT * FROM orders WHERE id = $1", [id]); return rows[0] }
export async function setTotal(id: string, total: number) { await pool.query("UPDATE orders SET total = $2 WHERE id = $1", [id, total]) }
`
const CALLER = `
async function pay(key: string, n: number) { const order = await repo.findOrder(key); await repo.setTotal(key, order.total - n) }
`

test("a call of a function is a call of its rows, with its arguments for the parameters", async () => {
  const rows = await rowsIn("pay.ts", [
    { path: "orders.ts", text: REPOSITORY },
    { path: "pay.ts", text: `import * as repo from "./orders"${CALLER}` },
  ])
  expect(rows).toMatchObject([
    { kind: "read", table: "order", where: ["id=key"], results: ["order"] },
    { kind: "update", table: "order", where: ["id=key"], sets: ["total=order.total - n"] },
  ])
})

test("up to three functions may stand between a call and its row, and no more", async () => {
  const chain = (depth: number): string =>
    Array.from(
      { length: depth },
      (_, at) =>
        `async function get_${at}(id) { return ${at === 0 ? 'pool.query("SELECT * FROM jobs WHERE id = $1", [id])' : `get_${at - 1}(id)`} }`,
    ).join("\n")
  const read = async (depth: number) => {
    const text = `${chain(depth)}\nasync function run(id) { const job = await get_${depth - 1}(id) }`
    const rows = await rowsIn("a.ts", [{ path: "a.ts", text }])
    return rows.filter((row) => row.results.includes("job")).map((row) => row.steps.length)
  }
  expect([await read(1), await read(3), await read(4)]).toEqual([[1], [3], []])
})

test("functions that call each other are no circle", async () => {
  const rows = await rowsIn("a.ts", [
    {
      path: "a.ts",
      text: `
async function getEven(id) { const row = await pool.query("SELECT * FROM jobs WHERE id = $1", [id]); return row ?? getOdd(id) }
async function getOdd(id) { return getEven(id) }
async function run(id) { const job = await getOdd(id) }`,
    },
  ])
  expect(rows.some((row) => row.call === "getOdd" && row.results.includes("job"))).toBe(true)
})

test("what a function reads for itself is none of its callers' rows", async () => {
  const rows = await rowsIn("a.ts", [
    {
      path: "a.ts",
      text: `
async function checkQuota(id) { const { rows } = await pool.query("SELECT * FROM quotas WHERE id = $1", [id]); if (rows.length > 3) throw new Error() }
async function run(id) { await checkQuota(id) }`,
    },
  ])
  expect(rows.map((row) => row.call)).toEqual(["query"])
})

test("who locks the row answers for what it writes, and its caller holds the lock", async () => {
  const locked = REPOSITORY.replace(
    'WHERE id = $1", [id]); return',
    'WHERE id = $1 FOR UPDATE", [id]); return',
  )
  const rows = await rowsIn("pay.ts", [
    { path: "orders.ts", text: locked },
    { path: "pay.ts", text: `import * as repo from "./orders"${CALLER}` },
  ])
  expect(rows[0]).toMatchObject({ kind: "read", locks: true })
})

test("who looks before it inserts finds out for itself whether it may", async () => {
  const rows = await rowsIn("a.ts", [
    {
      path: "a.ts",
      text: `
async function addTag(name) {
  const { rows } = await pool.query("SELECT id FROM tags WHERE name = $1", [name])
  if (rows.length === 0) await pool.query("INSERT INTO tags (name) VALUES ($1)", [name])
}
async function run(name) { await addTag(name) }`,
    },
  ])
  expect(rows.filter((row) => row.call === "addTag")).toEqual([])
})

const INTERFACE = `package a
type Store interface { GetOrder(id string) (*Order, error) }
type sqlStore struct{ db *sql.DB }
func (s *sqlStore) GetOrder(id string) (*Order, error) {
	var order Order
	err := s.db.QueryRow("SELECT id, total FROM orders WHERE id = $1", id).Scan(&order.ID, &order.Total)
	return &order, err
}
type Service struct{ store Store }
func (s *Service) Pay(key string) { order, _ := s.store.GetOrder(key); use(order) }
`
const SECOND = `
type otherStore struct{ db *sql.DB }
func (s *otherStore) GetOrder(id string) (*Order, error) {
	var order Order
	err := s.db.QueryRow("SELECT id, total FROM archive WHERE id = $1", id).Scan(&order.ID, &order.Total)
	return &order, err
}
`

test.each([
  ["its only implementation", INTERFACE, ["order"]],
  ["nothing, where two do not do the same", INTERFACE + SECOND, []],
  [
    "the one, where the other is a mock",
    INTERFACE + SECOND.replaceAll("otherStore", "mockStore"),
    ["order"],
  ],
  [
    "nothing, where one asks for more",
    INTERFACE + SECOND.replace("archive WHERE", "orders WHERE open = true AND"),
    [],
  ],
  ["both, where they do the same", INTERFACE + SECOND.replace("archive", "orders"), ["order"]],
])("an interface stands for %s", async (_, text, tables) => {
  const rows = await rowsIn("a.go", [{ path: "a.go", text }])
  const called = rows.filter((row) => row.call === "GetOrder")
  expect(called.map((row) => row.table)).toEqual(tables)
})

test("a base class leaves the table to the one that extends it", async () => {
  const rows = await rowsIn("service.ts", [
    {
      path: "base.ts",
      text: "export class Base<T> { constructor(protected rows: Repository<T>) {} async byId(id: string) { return this.rows.findOne({ where: { id } }) } }",
    },
    {
      path: "seats.ts",
      text: 'import { Base } from "./base"\nexport class SeatRepository extends Base<Seat> {}',
    },
    {
      path: "service.ts",
      text: 'import { SeatRepository } from "./seats"\nclass Booking { constructor(private readonly held: SeatRepository) {}\n async run(key: string) { const seat = await this.held.byId(key); return seat } }',
    },
  ])
  expect(rows).toMatchObject([{ kind: "read", table: "seat", where: ["id=key"] }])
})

test.each([
  ["an object of functions", "export default { getById }", 'import users from "./users"'],
  ["the functions of a module", "module.exports = { getById }", 'const users = require("./users")'],
])("%s is seen through", async (_, exported, imported) => {
  const rows = await rowsIn("a.js", [
    {
      path: "users.js",
      text: `async function getById(id) { return db("users").where({ id }).first() }\n${exported}`,
    },
    {
      path: "a.js",
      text: `${imported}\nasync function run(key) { const user = await users.getById(key) }`,
    },
  ])
  expect(rows).toMatchObject([{ kind: "read", table: "user", results: ["user"] }])
})

test("an instance that a module of Python hands on is seen through", async () => {
  const rows = await rowsIn("app/api.py", [
    {
      path: "app/crud/users.py",
      text: "class Users:\n    def fetch(self, session, key):\n        return session.get(User, key)\nusers = Users()\n",
    },
    { path: "app/crud/__init__.py", text: "from .users import users\n" },
    {
      path: "app/api.py",
      text: "from app import crud\ndef run(session, id):\n    user = crud.users.fetch(session, id)\n    return user\n",
    },
  ])
  expect(rows).toMatchObject([{ kind: "read", call: "fetch", results: ["user"] }])
})

test.each([
  ["@Lock(LockModeType.PESSIMISTIC_WRITE)", { kind: "read", locks: true }],
  [
    '@Query("update Item i set i.stock = i.stock - :n where i.id = :id")',
    { kind: "update", table: "item" },
  ],
  [
    '@Query("update Item i set i.stock = :n where i.id = :id")',
    { kind: "update", sets: ["stock=left"], where: ["id=key"] },
  ],
])("a method of an interface does what its annotation says: %s", async (annotation, expected) => {
  const rows = await rowsIn("Shop.java", [
    {
      path: "ItemRepository.java",
      text: `interface ItemRepository extends JpaRepository<Item, Long> { ${annotation} int takeOne(@Param("id") long id, @Param("n") int n); }`,
    },
    {
      path: "Shop.java",
      text: "class Shop { private ItemRepository items; void sell(long key, int left) { items.takeOne(key, left); } }",
    },
  ])
  expect(rows).toMatchObject([expected])
})

test("a value that is laid over a row comes from the caller", async () => {
  const rows = await rowsIn("a.py", [
    {
      path: "a.py",
      text: `
def update_item(session, item, **kwargs):
    for key, value in kwargs.items():
        setattr(item, key, value)
    session.add(item)
def sell(session, item, n):
    update_item(session, item, stock=item.stock - n)
`,
    },
  ])
  expect(rows.at(-1)).toMatchObject({
    kind: "save",
    call: "update_item",
    sets: ["stock=item.stock - n"],
  })
})
