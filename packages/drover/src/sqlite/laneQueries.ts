import type { Row, Statements } from "./statements.ts"

/** Which rows of some lanes, and which of their columns. All parts are constants of this room. */
export interface LaneQuery {
  /** Columns of drover_job. */
  readonly columns: string
  /** A condition that proves the predicate of the index; it may hold parameters. */
  readonly where: string
  /** Columns of the index after the lane, by which the rows of all lanes are merged. */
  readonly order: string
}

// SQLite merges at most 500 arms. Beyond it one arm walks all lanes and sorts, which is right and slow.
const MOST_ARMS = 400
// What a merge costs grows faster than its arms. With more lanes than this, those that can give a row are found first.
const FEW_LANES = 4
// Stands for no lane where a text has more arms than there are lanes.
const NO_LANE = -1

const texts: Map<LaneQuery, Map<number, string>> = new Map()
const headTexts: Map<LaneQuery, string> = new Map()

/**
 * The first rows of several lanes in common order. One arm for each lane that can give one, each in the order of the
 * index, so SQLite merges them and reads no more than it gives out; rows of other lanes cost nothing.
 * @param values the parameters of `where`.
 */
export function readLanes(
  statements: Statements,
  query: LaneQuery,
  lanes: readonly number[],
  values: readonly number[],
  limit: number,
): readonly Row[] {
  if (lanes.length === 0 || limit === 0) return []
  if (lanes.length <= FEW_LANES) return merge(statements, query, lanes, values, limit)
  const first = firstLanes(statements, query, lanes, values, limit)
  if (first.length === 0) return []
  if (first.length > MOST_ARMS) {
    const all = statements.made(textFor(query, 0))
    return all.all(JSON.stringify(first), ...values, limit) as unknown as readonly Row[]
  }
  return merge(statements, query, padded(first), values, limit)
}

/** The lanes that hold the first `limit` rows: those with the first first rows. One look-up for each lane. */
function firstLanes(
  statements: Statements,
  query: LaneQuery,
  lanes: readonly number[],
  values: readonly number[],
  limit: number,
): readonly number[] {
  let text = headTexts.get(query)
  if (text === undefined) {
    text = makeHeadText(query)
    headTexts.set(query, text)
  }
  const rows = statements.made(text).all(JSON.stringify(lanes), ...values, limit)
  return (rows as unknown as readonly Row[]).map(([lane]) => lane as number)
}

/** With as many that hold nothing as bring the count to a power of two, so that there are few texts to prepare. */
function padded(lanes: readonly number[]): readonly number[] {
  const arms = Math.min(MOST_ARMS, 2 ** Math.ceil(Math.log2(lanes.length)))
  return [...lanes, ...Array<number>(arms - lanes.length).fill(NO_LANE)]
}

function merge(
  statements: Statements,
  query: LaneQuery,
  lanes: readonly number[],
  values: readonly number[],
  limit: number,
): readonly Row[] {
  const statement = statements.made(textFor(query, lanes.length))
  if (lanes.length === 1 && values.length === 0) {
    return statement.all(lanes[0] as number, limit) as unknown as readonly Row[]
  }
  const bound = lanes.flatMap((lane) => [lane, ...values])
  return statement.all(...bound, limit) as unknown as readonly Row[]
}

function textFor(query: LaneQuery, arms: number): string {
  let byArms = texts.get(query)
  if (byArms === undefined) {
    byArms = new Map()
    texts.set(query, byArms)
  }
  let text = byArms.get(arms)
  if (text === undefined) {
    text = makeText(query, arms)
    byArms.set(arms, text)
  }
  return text
}

function makeText({ columns, where, order }: LaneQuery, arms: number): string {
  if (arms === 0) {
    const lanes = "lane in (select value from json_each(?))"
    return `select ${columns} from drover_job j where ${lanes} and ${where} order by ${order} limit ?`
  }
  if (arms === 1) {
    return `select ${columns} from drover_job j where lane = ? and ${where} order by ${order} limit ?`
  }
  const arm = `select ${order} from drover_job where lane = ? and ${where}`
  const merged = `${Array<string>(arms).fill(arm).join(" union all ")} order by ${order} limit ?`
  // cross join: the merged few drive, each finding its row by primary key.
  return `select ${columns} from (${merged}) c cross join drover_job j on j.seq = c.seq order by ${inOrderOf("c", order)}`
}

function makeHeadText({ where, order }: LaneQuery): string {
  const head = `select seq from drover_job where lane = l.value and ${where} order by ${order} limit 1`
  // cross join: the lanes drive, and those without a row end there.
  return `select l.value from json_each(?) l cross join drover_job j on j.seq = (${head}) order by ${inOrderOf("j", order)} limit ?`
}

function inOrderOf(table: string, order: string): string {
  return order
    .split(", ")
    .map((column) => `${table}.${column}`)
    .join(", ")
}
