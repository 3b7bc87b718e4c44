import type { Node } from "oxc-parser"
import { globalReferences, type GlobalReference } from "../globalReferences.ts"
import { RUNTIME } from "../levels.ts"
import type { SourceFile } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"
import { walkAst } from "../walkAst.ts"

/** Time and randomness come from `Clock` and `Rng`; whoever asks the platform cannot be simulated. */
export const bannedGlobals: Rule = {
  name: "banned-globals",
  mend: "Take a Clock or an Rng as an argument; only packages/drover/src/time asks the platform.",
  check(repository) {
    return repository.typescript
      .filter(({ path }) => !path.startsWith(`${RUNTIME}time/`))
      .flatMap((file) => [...bannedUses(file), ...bannedImports(file)])
  },
}

const TIMERS = [
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "clearImmediate",
]
const BARE = new Set([...TIMERS, "queueMicrotask", "performance"])
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Date: ["now"],
  Math: ["random"],
  AbortSignal: ["timeout"],
  Temporal: ["Now"],
  crypto: ["randomUUID", "getRandomValues", "randomBytes", "randomInt", "webcrypto"],
  process: ["nextTick", "hrtime", "uptime"],
}
/** What may not be imported by name; every import of a module listed with `true` is refused. */
const IMPORTS: Readonly<Record<string, readonly string[] | true>> = {
  timers: true,
  "timers/promises": true,
  perf_hooks: ["performance"],
  crypto: MEMBERS["crypto"] ?? [],
  process: MEMBERS["process"] ?? [],
}

function bannedUses(file: SourceFile): Finding[] {
  const uses = globalReferences(file.program).flatMap((reference) => {
    const item = bannedUse(reference)
    return item === undefined ? [] : [finding(file, reference.node, item)]
  })
  return file.isTest ? uses.filter(({ item }) => !TIMERS.includes(item ?? "")) : uses
}

function bannedUse({ name, node, parent }: GlobalReference): string | undefined {
  if (name === "globalThis" || name === "global") {
    const member = memberName(parent, node)
    if (member === undefined) return undefined
    return BARE.has(member) || member === "Date" ? `${name}.${member}` : undefined
  }
  if (BARE.has(name)) return name
  if (name === "Date" && isDateOfNow(parent, node)) {
    return parent.type === "NewExpression" ? "new Date()" : "Date()"
  }
  const member = memberName(parent, node)
  if (member === undefined) return undefined
  return MEMBERS[name]?.includes(member) === true ? `${name}.${member}` : undefined
}

function isDateOfNow(parent: Node, node: Node): boolean {
  if (parent.type === "CallExpression") return parent.callee === node
  return parent.type === "NewExpression" && parent.callee === node && parent.arguments.length === 0
}

/** `random` for both `Math.random` and `Math["random"]`. */
function memberName(parent: Node, object: Node): string | undefined {
  if (parent.type !== "MemberExpression" || parent.object !== object) return undefined
  const { property } = parent
  if (!parent.computed && property.type === "Identifier") return property.name
  if (property.type === "Literal" && typeof property.value === "string") return property.value
  return undefined
}

function bannedImports(file: SourceFile): Finding[] {
  const found: Finding[] = []
  walkAst(file.program, (node) => {
    if (node.type !== "ImportDeclaration" || node.importKind === "type") return
    const module = node.source.value.replace(/^node:/, "")
    const banned = Object.hasOwn(IMPORTS, module) ? IMPORTS[module] : undefined
    if (banned === undefined) return
    if (banned === true) {
      // In a test this is a sleep, and sleeps-in-tests says so.
      if (!file.isTest) found.push(finding(file, node, module))
      return
    }
    const spaces = new Set<string>()
    for (const specifier of node.specifiers) {
      if (specifier.type !== "ImportSpecifier") spaces.add(specifier.local.name)
      else if (specifier.imported.type === "Identifier" && banned.includes(specifier.imported.name))
        found.push(finding(file, specifier, `${module}.${specifier.imported.name}`))
    }
    found.push(...membersOf(file, spaces, module, banned))
  })
  return found
}

/** `crypto.randomUUID` after `import crypto from "node:crypto"`. */
function membersOf(
  file: SourceFile,
  spaces: ReadonlySet<string>,
  module: string,
  banned: readonly string[],
): Finding[] {
  const found: Finding[] = []
  if (spaces.size === 0) return found
  walkAst(file.program, (node) => {
    if (node.type !== "MemberExpression" || node.object.type !== "Identifier") return
    if (!spaces.has(node.object.name)) return
    const member = memberName(node, node.object)
    if (member !== undefined && banned.includes(member)) {
      found.push(finding(file, node, `${module}.${member}`))
    }
  })
  return found
}

function finding(file: SourceFile, node: Node, item: string): Finding {
  return {
    path: file.path,
    line: file.lineAt(node.start),
    message: `${item} outside the time room`,
    item,
  }
}
