import type { Node, Program } from "oxc-parser"
import { childrenOf } from "./walkAst.ts"

export interface GlobalReference {
  readonly name: string
  readonly node: Node
  /** The node around it, e.g. the member expression of `Date.now`. */
  readonly parent: Node
}

/**
 * Finds each use of a name that the file does not declare itself: no import, variable, parameter, function or
 * class of that name is in scope. Types are left out, for they do nothing when the program runs.
 */
export function globalReferences(program: Program): GlobalReference[] {
  const found: GlobalReference[] = []
  visit(program, program, [], found)
  return found
}

type Scope = ReadonlySet<string>

function visit(node: Node, parent: Node, scopes: readonly Scope[], found: GlobalReference[]): void {
  if (isType(node)) return
  if (node.type === "Identifier") {
    if (isUse(node, parent) && !scopes.some((scope) => scope.has(node.name))) {
      found.push({ name: node.name, node, parent })
    }
    return
  }
  const declared = opensScope(node) ? declaredNames(node) : undefined
  const inner = declared === undefined ? scopes : [declared, ...scopes]
  for (const child of childrenOf(node)) visit(child, node, inner, found)
}

/** TypeScript's own nodes hold types, except those that wrap an expression. */
function isType(node: Node): boolean {
  switch (node.type) {
    case "TSAsExpression":
    case "TSSatisfiesExpression":
    case "TSNonNullExpression":
    case "TSTypeAssertion":
    case "TSInstantiationExpression":
    case "TSExportAssignment":
      return false
    default:
      return node.type.startsWith("TS")
  }
}

/** Whether an identifier is read here, as opposed to naming a property, a label or an export. */
function isUse(node: Node, parent: Node): boolean {
  switch (parent.type) {
    case "MemberExpression":
      return parent.object === node || parent.computed
    case "Property":
      return parent.value === node || parent.computed
    case "MethodDefinition":
    case "PropertyDefinition":
    case "AccessorProperty":
      return parent.key !== node || parent.computed
    case "ExportSpecifier":
    case "ImportSpecifier":
    case "ImportAttribute":
    case "MetaProperty":
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return false
    default:
      return true
  }
}

function opensScope(node: Node): boolean {
  switch (node.type) {
    case "Program":
    case "BlockStatement":
    case "StaticBlock":
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
    case "SwitchStatement":
    case "CatchClause":
    case "ClassExpression":
      return true
    default:
      return isFunction(node)
  }
}

/** The names that belong to the scope of `node`, wherever inside it they are declared. */
function declaredNames(node: Node): Scope {
  const names = new Set<string>()
  if (node.type === "CatchClause" && node.param !== null) addPattern(node.param, names)
  if (isFunction(node)) {
    for (const parameter of node.params) addPattern(parameter, names)
    addVarNames(node.body, names)
  }
  if ((node.type === "FunctionExpression" || node.type === "ClassExpression") && node.id !== null) {
    names.add(node.id.name)
  }
  if (node.type === "Program") addVarNames(node, names)
  for (const child of childrenOf(node)) addDeclaration(child, names)
  return names
}

/** Names bound by a declaration that stands directly in a scope, also behind `export`. */
function addDeclaration(node: Node, names: Set<string>): void {
  switch (node.type) {
    case "ImportDeclaration":
      for (const specifier of node.specifiers) names.add(specifier.local.name)
      return
    case "ExportNamedDeclaration":
      if (node.declaration !== null) addDeclaration(node.declaration, names)
      return
    case "ExportDefaultDeclaration":
      addDeclaration(node.declaration, names)
      return
    case "VariableDeclaration":
      for (const { id } of node.declarations) addPattern(id, names)
      return
    case "FunctionDeclaration":
    case "ClassDeclaration":
      if (node.id !== null) names.add(node.id.name)
      return
    case "SwitchCase":
      for (const statement of node.consequent) addDeclaration(statement, names)
      return
    default:
  }
}

/** `var` belongs to the function around it, however deep it stands. */
function addVarNames(node: Node | null, names: Set<string>): void {
  if (node === null || isType(node)) return
  if (node.type === "VariableDeclaration" && node.kind === "var") addDeclaration(node, names)
  for (const child of childrenOf(node)) if (!isFunction(child)) addVarNames(child, names)
}

function addPattern(node: Node, names: Set<string>): void {
  if (isType(node)) return
  if (node.type === "Identifier") names.add(node.name)
  else if (node.type === "AssignmentPattern") addPattern(node.left, names)
  else if (node.type === "Property") addPattern(node.value, names)
  else for (const child of childrenOf(node)) addPattern(child, names)
}

export type FunctionNode = Extract<
  Node,
  { type: "FunctionDeclaration" | "FunctionExpression" | "ArrowFunctionExpression" }
>

export function isFunction(node: Node): node is FunctionNode {
  return (
    node.type === "FunctionDeclaration" ||
    node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression"
  )
}
