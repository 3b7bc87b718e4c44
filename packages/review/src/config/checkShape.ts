/** Holds a tree against the form of a configuration and says, for each thing that is wrong, what and where. */
import type { Problem } from "./configError.ts"
import { globProblem } from "./glob.ts"
import { hint } from "./nearest.ts"
import { MAX_NAME, MAX_TEXTS, NAME_PATTERN, refusedKeys, RULE_LEVELS, type Shape } from "./shape.ts"
import type { Tree } from "./tree.ts"

/** More would only scroll the first one away. */
const MAX_PROBLEMS = 20

/** The names of all rules. */
export type KnownRules = ReadonlySet<string>

/** Collects problems while a tree becomes plain values. */
export class ShapeCheck {
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #rules: KnownRules
  readonly #name = new RegExp(NAME_PATTERN, "u")

  constructor(file: string, rules: KnownRules) {
    this.#file = file
    this.#rules = rules
  }

  /** The plain value of a tree; undefined where it is wrong or null. */
  read(shape: Shape, tree: Tree, key: string): unknown {
    if (tree.kind === "scalar" && tree.value === null) return undefined
    switch (shape.kind) {
      case "choice":
        return this.#choice(shape.values, tree, key)
      case "boolean":
        if (tree.kind === "scalar" && typeof tree.value === "boolean") return tree.value
        return this.#wrong(tree, key, `${shown(tree)} is neither true nor false`)
      case "integer":
        return this.#integer(shape, tree, key)
      case "text":
        if (tree.kind !== "scalar" || typeof tree.value !== "string") {
          return this.#wrong(tree, key, `${shown(tree)} is not a text`)
        }
        if (tree.value.length <= shape.max) return tree.value
        return this.#wrong(tree, key, `is longer than ${shape.max} characters`)
      case "texts":
        return this.#texts(shape.each, tree, key)
      case "list":
        return this.#list(shape, tree, key)
      case "map":
        return this.#map(shape, tree, key)
      case "rules":
        return this.#ruleSettings(tree, key)
    }
  }

  #wrong(at: { readonly line: number }, key: string, message: string): undefined {
    if (this.problems.length < MAX_PROBLEMS) {
      this.problems.push({ file: this.#file, line: at.line, key, message })
    }
    return undefined
  }

  #choice(values: readonly string[], tree: Tree, key: string): string | undefined {
    if (tree.kind === "scalar" && typeof tree.value === "string") {
      if (values.includes(tree.value)) return tree.value
      return this.#wrong(
        tree,
        key,
        `"${tree.value}" is not one of ${values.join(", ")}; ${hint(tree.value, values)}`,
      )
    }
    return this.#wrong(tree, key, `${shown(tree)} is not one of ${values.join(", ")}`)
  }

  #integer(shape: { min: number; max: number }, tree: Tree, key: string): number | undefined {
    const value = tree.kind === "scalar" ? tree.value : null
    if (
      typeof value === "number" &&
      Number.isInteger(value) &&
      value >= shape.min &&
      value <= shape.max
    ) {
      return value
    }
    return this.#wrong(
      tree,
      key,
      `${shown(tree)} is not a whole number from ${shape.min} to ${shape.max}`,
    )
  }

  #texts(each: "glob" | "name", tree: Tree, key: string): string[] | undefined {
    if (tree.kind !== "list") return this.#wrong(tree, key, `${shown(tree)} is not a list`)
    if (tree.items.length > MAX_TEXTS)
      return this.#wrong(tree, key, `has more than ${MAX_TEXTS} entries`)
    const texts: string[] = []
    for (const [at, item] of tree.items.entries()) {
      const here = `${key}[${at}]`
      if (item.kind !== "scalar" || typeof item.value !== "string") {
        this.#wrong(item, here, `${shown(item)} is not a text`)
        continue
      }
      const problem = each === "glob" ? globProblem(item.value) : this.#nameProblem(item.value)
      if (problem !== null) this.#wrong(item, here, `${shown(item)} ${problem}`)
      else texts.push(item.value)
    }
    return texts
  }

  #nameProblem(name: string): string | null {
    if (name.length > MAX_NAME) return `is longer than ${MAX_NAME} characters`
    if (this.#name.test(name)) return null
    return "is not the name of a function as code writes it, such as backoff.next"
  }

  #list(shape: { of: Shape; max: number }, tree: Tree, key: string): unknown[] | undefined {
    if (tree.kind !== "list") return this.#wrong(tree, key, `${shown(tree)} is not a list`)
    if (tree.items.length > shape.max)
      return this.#wrong(tree, key, `has more than ${shape.max} entries`)
    return tree.items.map((item, at) => this.read(shape.of, item, `${key}[${at}]`))
  }

  #map(shape: Extract<Shape, { kind: "map" }>, tree: Tree, key: string): object | undefined {
    if (tree.kind !== "map") return this.#wrong(tree, key, `${shown(tree)} is not a map of keys`)
    const read: Record<string, unknown> = {}
    for (const entry of tree.entries) {
      const here = key === "" ? entry.key : `${key}.${entry.key}`
      if (!Object.hasOwn(shape.fields, entry.key)) {
        this.#wrong(entry, here, unknownKey(here, entry.key, Object.keys(shape.fields)))
        continue
      }
      const value = this.read(shape.fields[entry.key]!, entry.value, here)
      if (value !== undefined) read[entry.key] = value
    }
    for (const needed of shape.required ?? []) {
      if (!tree.entries.some((entry) => entry.key === needed))
        this.#wrong(tree, key, `"${needed}" is missing`)
    }
    return read
  }

  #ruleSettings(tree: Tree, key: string): object | undefined {
    if (tree.kind !== "map") return this.#wrong(tree, key, `${shown(tree)} is not a map of rules`)
    // Without a prototype: names of rules are looked up in it.
    const settings = Object.create(null) as Record<string, unknown>
    for (const entry of tree.entries) {
      const here = `${key}.${entry.key}`
      if (!this.#rules.has(entry.key)) {
        this.#wrong(
          entry,
          here,
          `there is no rule "${entry.key}"; ${hint(entry.key, [...this.#rules])}`,
        )
      } else if (entry.value.kind === "map") {
        settings[entry.key] = this.#ruleSetting(entry.value, here)
      } else {
        const level = this.#choice(RULE_LEVELS, entry.value, here)
        if (level !== undefined) settings[entry.key] = { level }
      }
    }
    return settings
  }

  #ruleSetting(tree: Extract<Tree, { kind: "map" }>, key: string): object {
    const setting: { level?: string } = {}
    for (const entry of tree.entries) {
      const here = `${key}.${entry.key}`
      if (entry.key === "level") {
        const level = this.#choice(RULE_LEVELS, entry.value, here)
        if (level !== undefined) setting.level = level
      } else {
        this.#wrong(entry, here, `is not a key here; ${hint(entry.key, ["level"])}`)
      }
    }
    return setting
  }
}

function unknownKey(here: string, key: string, known: readonly string[]): string {
  const refused = Object.hasOwn(refusedKeys, here) ? refusedKeys[here] : undefined
  return `is not a key; ${
    refused ??
    hint(
      key,
      known.filter((name) => name !== "$schema"),
    )
  }`
}

/** What was found, short enough for a message. */
function shown(tree: Tree): string {
  if (tree.kind !== "scalar") return tree.kind === "map" ? "a map" : "a list"
  if (typeof tree.value !== "string") return String(tree.value)
  return JSON.stringify(tree.value.length > 60 ? `${tree.value.slice(0, 60)}…` : tree.value)
}
