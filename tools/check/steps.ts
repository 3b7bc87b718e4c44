export interface Step {
  readonly name: string
  readonly command: readonly string[]
  /** What to do when it fails. */
  readonly mend: string
  /** Steps that have to pass first. */
  readonly after?: readonly string[]
}

/** What `npm run check` checks. `{tarball}` is where the packed package lies. */
export const steps: readonly Step[] = [
  { name: "sqlgen", command: ["node", "tools/sqlgen/main.ts", "--check"], mend: "npm run sqlgen" },
  { name: "format", command: ["oxfmt", "--check"], mend: "npm run format" },
  {
    name: "types",
    command: ["tsc", "--noEmit", "--pretty", "false"],
    mend: "mend the types: npx tsc --noEmit",
  },
  {
    name: "lint",
    command: ["oxlint", "--format=unix"],
    mend: "mend the code, or npm run lint -- --fix",
  },
  { name: "tidy", command: ["node", "tools/tidy/main.ts"], mend: "as it says; npm run tidy" },
  {
    name: "knip",
    command: ["knip", "--no-progress", "--no-config-hints"],
    mend: "delete what nothing uses, or name it as an entry in knip.jsonc",
  },
  { name: "build", command: ["node", "tools/build/main.ts"], mend: "npm run build" },
  {
    name: "pack",
    command: ["node", "tools/check/packMain.ts", "{tarball}"],
    mend: "see `files` and `exports` in packages/drover/package.json",
    after: ["build"],
  },
  {
    name: "publint",
    command: ["publint", "run", "{tarball}", "--strict"],
    mend: "see `exports` in packages/drover/package.json",
    after: ["pack"],
  },
  {
    name: "attw",
    command: ["attw", "{tarball}", "--profile", "esm-only", "--no-emoji", "--format", "ascii"],
    mend: "types and code of an entry point differ; see `exports` in packages/drover/package.json",
    after: ["pack"],
  },
  {
    name: "install",
    command: ["node", "tools/check/installMain.ts", "{tarball}"],
    mend: "the packed package does not work where it is installed; see packages/drover/package.json",
    after: ["pack"],
  },
]
