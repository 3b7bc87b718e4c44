export interface Step {
  readonly name: string
  readonly command: readonly string[]
  /** What to do when it fails. */
  readonly mend: string
  /** Steps that have to pass first. */
  readonly after?: readonly string[]
}

/** What `npm run check` checks. `{folder}` is where packed packages lie. */
export const steps: readonly Step[] = [
  { name: "sqlgen", command: ["node", "tools/sqlgen/main.ts", "--check"], mend: "npm run sqlgen" },
  {
    name: "review docs",
    command: ["node", "--conditions=@drover/source", "tools/reviewDocs/main.ts", "--check"],
    mend: "npm run review:docs",
  },
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
    name: "review",
    command: ["node", "packages/review/dist/cli/main.js", "--root", ".", "--no-cache"],
    mend: "as it says, or tell it why not: docs/review/ignoring.md",
    after: ["build"],
  },
  ...["drover", "review"].flatMap(stepsOfPackage),
]

/** Packs a published package and uses it as a user does. */
function stepsOfPackage(name: string): Step[] {
  const tarball = `{folder}/${name}.tgz`
  const manifest = `packages/${name}/package.json`
  const install = name === "drover" ? "installMain" : "installReviewMain"
  return [
    {
      name: `pack ${name}`,
      command: ["node", "tools/check/packMain.ts", name, tarball],
      mend: `see \`files\` and \`exports\` in ${manifest}`,
      after: ["build"],
    },
    {
      name: `publint ${name}`,
      command: ["publint", "run", tarball, "--strict"],
      mend: `see \`exports\` in ${manifest}`,
      after: [`pack ${name}`],
    },
    {
      name: `attw ${name}`,
      command: ["attw", tarball, "--profile", "esm-only", "--no-emoji", "--format", "ascii"],
      mend: `types and code of an entry point differ; see \`exports\` in ${manifest}`,
      after: [`pack ${name}`],
    },
    {
      name: `install ${name}`,
      command: ["node", `tools/check/${install}.ts`, tarball],
      mend: `the packed package does not work where it is installed; see ${manifest}`,
      after: [`pack ${name}`],
    },
  ]
}
