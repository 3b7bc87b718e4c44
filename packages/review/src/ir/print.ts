/**
 * The intermediate form as one line of text for each top-level node, for tests and for people who ask what a frontend
 * made of their code. Parentheses hold everything that is not an atom, so two different trees never print the same.
 *
 *     time.Sleep(d)                 (call time.Sleep d)
 *     a, err := f(x[1], ...rest)    (let a, err = (call f x[1] ...rest))
 *     if !ok { return "no", 1 }     (if (! ok) {(return ["no" 1])})
 */
import type { Annotation, Class, Field, Func, Node, Param, SourceUnit } from "./nodes.ts"

/** A unit: its package and imports, then its body, one node a line. Comments are not printed. */
export function printUnit(unit: SourceUnit): string {
  const lines: string[] = []
  if (unit.package !== null) lines.push(`(package ${unit.package})`)
  for (const one of unit.imports) lines.push(`(import ${one.module} ${one.name} as ${one.local})`)
  for (const node of unit.body) lines.push(printNode(node))
  if (unit.errors > 0) lines.push(`(errors ${unit.errors})`)
  return lines.join("\n")
}

/** Nodes in a row, with a space between two. */
export function printNodes(nodes: readonly Node[]): string {
  return nodes.map(printNode).join(" ")
}

export function printNode(node: Node): string {
  switch (node.kind) {
    case "name":
      return node.name
    case "member":
      return `${printNode(node.object)}.${node.name}`
    case "index":
      return `${printNode(node.object)}[${printNode(node.index)}]`
    case "call": {
      const word = node.isNew ? "new" : node.isTagged ? "tagged" : "call"
      return form(word, printNode(node.callee), ...node.args.map(printNode), optional(node.body))
    }
    case "named":
      return `${node.name}=${printNode(node.value)}`
    case "spread":
      return `...${printNode(node.value)}`
    case "string":
      return JSON.stringify(node.value)
    case "template":
      return form("template", ...node.parts.map(printNode))
    case "number":
    case "bool":
      return String(node.value)
    case "null":
      return "null"
    case "binary":
      return form(node.op, printNode(node.left), printNode(node.right))
    case "unary":
      return form(node.op, printNode(node.operand))
    case "assign":
      return printAssign(node)
    case "lambda":
      return printFunc(node.fn)
    case "object":
      return form("object", node.type ?? "", ...node.entries.map(printEntry))
    case "list":
      return `[${printNodes(node.items)}]`
    case "await":
      return form("await", printNode(node.value))
    case "conditional":
      return form("?", printNode(node.test), printNode(node.then), printNode(node.otherwise))
    case "receive":
      return form("<-", printNode(node.channel))
    case "other":
      return form(`other:${node.type}`, ...node.children.map(printNode))
    default:
      return printStatement(node)
  }
}

type Statement = Extract<
  Node,
  {
    kind:
      | "block"
      | "if"
      | "loop"
      | "switch"
      | "select"
      | "try"
      | "return"
      | "throw"
      | "break"
      | "continue"
      | "with"
      | "go"
      | "defer"
      | "send"
      | "function"
      | "class"
  }
>

function printStatement(node: Statement): string {
  switch (node.kind) {
    case "block":
      return `{${printNodes(node.body)}}`
    case "if":
      return form(
        "if",
        part("init", node.init),
        printNode(node.test),
        printNode(node.then),
        part("else", node.otherwise),
      )
    case "loop":
      return printLoop(node)
    case "switch": {
      const cases = node.cases.map((one) => {
        return form("case", ...one.tests.map(printNode), printNode(one.body))
      })
      return form("switch", node.subject ? printNode(node.subject) : "_", ...cases)
    }
    case "select": {
      const cases = node.cases.map((one) => form("case", optional(one.comm), printNode(one.body)))
      return form("select", ...cases)
    }
    case "try": {
      const catches = node.catches.map((one) => {
        const binding = one.binding === null ? "" : `as ${one.binding}`
        return form("catch", one.types.join(" | "), binding, printNode(one.body))
      })
      const after = [part("else", node.otherwise), part("finally", node.finalizer)]
      return form("try", printNode(node.body), ...catches, ...after)
    }
    case "return":
      return form(node.implicit ? "return:implicit" : "return", optional(node.value))
    case "throw":
      return form("throw", optional(node.value), part("from", node.cause ?? null))
    case "break":
    case "continue":
      return form(node.kind, node.label ?? "")
    case "with": {
      const resources = node.resources.map((one) => {
        const value = printNode(one.value)
        return one.binding ? form(value, "as", printNode(one.binding)) : value
      })
      const word = node.form === "with" ? "with" : `with:${node.form}`
      return form(node.isAsync ? `async-${word}` : word, ...resources, printNode(node.body))
    }
    case "go":
    case "defer":
      return form(node.kind, printNode(node.call))
    case "send":
      return form("send", printNode(node.channel), printNode(node.value))
    case "function":
      return printFunc(node)
    case "class":
      return printClass(node)
  }
}

function printAssign(node: Extract<Node, { kind: "assign" }>): string {
  const targets = node.targets.map(printNode).join(", ")
  const word = node.declares ? (node.isConst ? "const" : "let") : "set"
  const type = node.type === null ? "" : `: ${node.type}`
  return form(word, `${targets}${type}`, ...(node.value ? [node.op, printNode(node.value)] : []))
}

function printEntry(entry: Extract<Node, { kind: "object" }>["entries"][number]): string {
  if (entry.key !== null) return `${JSON.stringify(entry.key)}: ${printNode(entry.value)}`
  return entry.keyNode
    ? `[${printNode(entry.keyNode)}]: ${printNode(entry.value)}`
    : printNode(entry.value)
}

function printLoop(node: Extract<Node, { kind: "loop" }>): string {
  return form(
    node.isAsync ? `async-${node.form}` : node.form,
    node.label === undefined ? "" : `label:${node.label}`,
    part("init", node.init),
    node.bindings.map(printNode).join(", "),
    part("in", node.iterable),
    part("test", node.test),
    part("update", node.update),
    printNode(node.body),
  )
}

function printFunc(fn: Func): string {
  const words = [
    ...fn.annotations.map(printAnnotation),
    ...fn.modifiers,
    fn.isAsync ? "async" : "",
    fn.isLambda ? "lambda" : "func",
    fn.isGenerator ? "*" : "",
  ]
  const receiver = fn.receiver ? `<${fn.receiver.name} ${fn.receiver.type}> ` : ""
  const result = fn.result === null ? "" : `: ${fn.result}`
  const head = `${receiver}${fn.name}(${fn.params.map(printParam).join(", ")})${result}`
  return form(...words, head, optional(fn.body), fn.hasError ? "!error" : "")
}

function printParam(param: Param): string {
  const annotations = (param.annotations ?? []).map((one) => `${printAnnotation(one)} `).join("")
  const name = param.names ? `{${param.names.join(" ")}}` : param.name
  const type = param.type === null ? "" : `: ${param.type}`
  const value = param.value === null ? "" : ` = ${printNode(param.value)}`
  return `${annotations}${param.isRest ? "..." : ""}${name}${type}${value}`
}

function printAnnotation(one: Annotation): string {
  return one.args.length === 0 ? `@${one.name}` : `@${one.name}(${printNodes(one.args)})`
}

function printClass(node: Class): string {
  return form(
    ...node.annotations.map(printAnnotation),
    ...node.modifiers,
    node.form,
    node.name,
    node.bases.length === 0 ? "" : `< ${node.bases.join(", ")}`,
    ...node.fields.map(printField),
    ...node.methods.map(printFunc),
    ...node.rest.map(printNode),
  )
}

function printField(field: Field): string {
  const type = field.type === null ? "" : `: ${field.type}`
  const words = [...field.annotations.map(printAnnotation), ...field.modifiers]
  return form("field", ...words, `${field.name}${type}`, part("=", field.value))
}

function form(...words: readonly string[]): string {
  return `(${words.filter((word) => word !== "").join(" ")})`
}

function optional(node: Node | null | undefined): string {
  return node ? printNode(node) : ""
}

/** `word node`, or nothing where there is no node. */
function part(word: string, node: Node | null): string {
  return node ? `${word} ${printNode(node)}` : ""
}
