/**
 * Who may import whom, as data. An importer may only point down; rooms of one level never import each other.
 * docs/architecture.md draws this table.
 */

export const RUNTIME = "packages/drover/src/"

/** Rooms of the runtime from the ground up. */
export const levels: readonly (readonly string[])[] = [
  ["errors"],
  ["time", "lease"],
  ["retry", "slots", "events"],
  ["service", "store"],
  ["jobs", "leadership", "alarms", "move"],
  ["schedules"],
  ["maintenance"],
  ["client"],
  ["testing", "cli"],
]

/** A store stands beside the levels: it sees what the contract is made of, and only the top sees it. */
export const storeRooms: readonly string[] = ["sqlite", "postgres"]
export const roomsAStoreSees: readonly string[] = [
  "errors",
  "time",
  "lease",
  "retry",
  "events",
  "store",
]
export const roomsThatSeeStores: readonly string[] = ["testing", "cli"]

/** Rooms that tests may use wherever they stand: the real stores, and the test kit. */
export const roomsTestsSee: readonly string[] = ["sqlite", "postgres", "testing"]

/** Foreign packages that a room of the runtime stands on; every other room has none. */
export const roomPackages: Readonly<Record<string, readonly string[]>> = {
  // It reads cron expressions and finds their dates; docs/decisions/0012-cron.md says what else it was not trusted with.
  schedules: ["croner"],
}

export const REVIEW = "packages/review/src/"

/** Rooms of the reviewer from the ground up. It knows nothing of the runtime. */
export const reviewLevels: readonly (readonly string[])[] = [
  ["ir"],
  ["findings"],
  ["files"],
  ["frontends"],
  ["analysis"],
  ["rules"],
  ["config"],
  ["engine"],
  ["reports"],
  ["fix"],
  ["hosts"],
  ["adjudication"],
  ["session"],
  ["mcp"],
  ["lsp", "watch"],
  ["cli"],
]

export const ANALYSIS = `${REVIEW}analysis/`

/** Subjects of the reviewer's analysis from the ground up, rooms within a room. */
export const analysisLevels: readonly (readonly string[])[] = [
  ["program"],
  ["waits"],
  ["cancellations"],
  ["rows"],
  ["stores"],
  ["sharing"],
  ["messages"],
  ["effects"],
  ["leadership"],
]

/** Rooms of the reviewer that tests may use wherever they stand: they start the command as a user does. */
export const reviewRoomsTestsSee: readonly string[] = ["cli"]

/** Foreign packages that a room of the reviewer stands on. */
export const reviewRoomPackages: Readonly<Record<string, readonly string[]>> = {
  // The parser, whose trees no other room sees.
  frontends: ["web-tree-sitter"],
  config: ["yaml"],
}

export interface Territory {
  /** Every file below this folder, unless a longer one holds it. */
  readonly folder: string
  /** Workspace packages it may import, by their public names and subpaths. */
  readonly packages: readonly string[]
  /** Whether it may import packages that are not ours. Node's own modules are free for all. */
  readonly foreign: boolean
  /** Folders of other territories that it may reach into with relative imports. */
  readonly reachesInto?: readonly string[]
  /** Never published, so it may load what tests share. */
  readonly loadsTestCode?: boolean
}

/** The parts of the repository outside the rooms, and what each sees of the others. */
export const territories: readonly Territory[] = [
  { folder: RUNTIME, packages: [], foreign: false },
  // The crash tests put crash points into the store that real processes run on.
  {
    folder: "packages/drover/crash/",
    packages: ["drover"],
    foreign: false,
    reachesInto: [RUNTIME],
    loadsTestCode: true,
  },
  { folder: REVIEW, packages: [], foreign: false },
  // Runs that no user starts: they see below the public names.
  {
    folder: "packages/review/",
    packages: [],
    foreign: true,
    reachesInto: [REVIEW],
    loadsTestCode: true,
  },
  { folder: "packages/conformance/", packages: ["drover"], foreign: true },
  // The simulator drives the real runtime with clocks and stores of its own, so it sees below the public names.
  {
    folder: "sim/",
    packages: ["drover", "@drover/conformance"],
    foreign: false,
    reachesInto: [RUNTIME],
  },
  // Stands on the parts of the crash tests and on the simulator's way to plant bugs, and sees below the public names.
  {
    folder: "nemesis/",
    packages: ["drover"],
    foreign: true,
    reachesInto: [RUNTIME, "packages/drover/crash/", "sim/"],
    loadsTestCode: true,
  },
  // The ceiling sends the statements of the store as they are; the limits run on a server that tests start too.
  {
    folder: "bench/",
    packages: ["drover"],
    foreign: true,
    reachesInto: [RUNTIME],
    loadsTestCode: true,
  },
  // Their test asks for the Postgres that all tests share.
  { folder: "examples/", packages: ["drover"], foreign: true, reachesInto: [RUNTIME] },
  { folder: "tools/", packages: [], foreign: true },
  // Its pages are what the rules say about themselves.
  { folder: "tools/reviewDocs/", packages: [], foreign: true, reachesInto: [REVIEW, "tools/"] },
  { folder: "tools/check/consumer/", packages: ["drover"], foreign: false },
  { folder: "", packages: [], foreign: true },
]

/** What tests may import beside what their territory may. */
export const testPackages: readonly string[] = [
  "vitest",
  "fast-check",
  "zod",
  "@drover/conformance",
  // They judge what the reviewer writes: its reports against their schemas, its editor's protocol.
  "ajv",
  "ajv-formats",
  "saxes",
  "yaml",
  "vscode-languageserver-protocol",
  "vscode-jsonrpc",
  // Whose transactions the adapters join.
  "pg",
  "postgres",
  "drizzle-orm",
  "kysely",
  "knex",
  "typeorm",
  "@prisma/client",
  "@prisma/adapter-pg",
]
