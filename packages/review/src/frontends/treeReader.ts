/**
 * Reads a parse tree straight from the parser's memory. The parser's own cursor copies its state in and out for every
 * question, which takes longer than the questions; here it stays where it is from the first node to the last.
 */
import type { Language as Grammar, Tree, TreeCursor } from "web-tree-sitter"
import { MAX_DEPTH, readSyntax, type Syntax } from "./syntax.ts"

/** What the parser's module offers below its public face, in the pinned version. */
interface Raw {
  _ts_init(): number
  getValue(address: number, type: "i32"): number
  _ts_tree_cursor_current_node_type_id_wasm(tree: number): number
  _ts_tree_cursor_start_index_wasm(tree: number): number
  _ts_tree_cursor_end_index_wasm(tree: number): number
  _ts_tree_cursor_current_field_id_wasm(tree: number): number
  _ts_tree_cursor_current_node_is_named_wasm(tree: number): number
  _ts_tree_cursor_current_node_is_missing_wasm(tree: number): number
  _ts_tree_cursor_goto_first_child_wasm(tree: number): number
  _ts_tree_cursor_goto_next_sibling_wasm(tree: number): number
  _ts_tree_cursor_goto_parent_wasm(tree: number): number
}

const NEEDED: readonly (keyof Raw)[] = [
  "_ts_init",
  "getValue",
  "_ts_tree_cursor_current_node_type_id_wasm",
  "_ts_tree_cursor_start_index_wasm",
  "_ts_tree_cursor_end_index_wasm",
  "_ts_tree_cursor_current_field_id_wasm",
  "_ts_tree_cursor_current_node_is_named_wasm",
  "_ts_tree_cursor_current_node_is_missing_wasm",
  "_ts_tree_cursor_goto_first_child_wasm",
  "_ts_tree_cursor_goto_next_sibling_wasm",
  "_ts_tree_cursor_goto_parent_wasm",
]

/** The words in which a cursor's state lies in the parser's memory, the tree's address in front of a tree. */
interface RawCursor extends TreeCursor {
  readonly handles: number[]
  readonly tree: { readonly 0: number }
}

const NO_CHILDREN: readonly Syntax[] = []

/** Whether nodes of a type are named, by the number of the type. */
const named = new WeakMap<Grammar, (boolean | undefined)[]>()

/**
 * Reads what is below a tree's root.
 * @param module - what `Parser.init` was given; without what is needed of it the public cursor is used
 */
export function readTree(tree: Tree, grammar: Grammar, module: object): Syntax {
  const cursor = tree.walk()
  try {
    return isRaw(module) && isRawCursor(cursor)
      ? readRaw(cursor, grammar, module)
      : readSyntax(cursor)
  } finally {
    cursor.delete()
  }
}

function isRaw(module: object): module is Raw {
  return NEEDED.every((name) => typeof (module as Partial<Raw>)[name] === "function")
}

function isRawCursor(cursor: TreeCursor): cursor is RawCursor {
  const { handles, tree } = cursor as Partial<RawCursor>
  return Array.isArray(handles) && handles.length === 4 && typeof tree?.[0] === "number"
}

function readRaw(cursor: RawCursor, grammar: Grammar, raw: Raw): Syntax {
  const address = raw._ts_init()
  // A question to the cursor lays its state out where the parser looks for it.
  void cursor.nodeTypeId
  const tree = cursor.tree[0]
  const { types, fields } = grammar
  let isNamed = named.get(grammar)
  if (!isNamed) named.set(grammar, (isNamed = []))
  const known = isNamed
  // Children wait here until all are read: a list of their own would have grown to seventeen places with the first.
  const waiting: Syntax[] = []
  let top = 0
  const read = (depth: number): Syntax => {
    const type = raw._ts_tree_cursor_current_node_type_id_wasm(tree)
    const start = raw._ts_tree_cursor_start_index_wasm(tree)
    const end = raw._ts_tree_cursor_end_index_wasm(tree)
    return {
      type: depth < MAX_DEPTH ? types[type] || "ERROR" : "ERROR",
      // Errors have a number far behind those of the grammar, and are named.
      isNamed:
        type >= types.length ||
        (known[type] ??= raw._ts_tree_cursor_current_node_is_named_wasm(tree) === 1),
      field: fields[raw._ts_tree_cursor_current_field_id_wasm(tree)] ?? null,
      start,
      end,
      isMissing: start === end && raw._ts_tree_cursor_current_node_is_missing_wasm(tree) === 1,
      children: depth < MAX_DEPTH ? readChildren(depth + 1) : NO_CHILDREN,
    }
  }
  const readChildren = (depth: number): readonly Syntax[] => {
    if (raw._ts_tree_cursor_goto_first_child_wasm(tree) !== 1) return NO_CHILDREN
    const first = top
    do {
      const child = read(depth)
      waiting[top++] = child
    } while (raw._ts_tree_cursor_goto_next_sibling_wasm(tree) === 1)
    raw._ts_tree_cursor_goto_parent_wasm(tree)
    const children = waiting.slice(first, top)
    top = first
    return children
  }
  try {
    return read(0)
  } finally {
    // What the cursor holds may have grown and moved; it has to be freed where it is now.
    for (let i = 0; i < 4; i++) cursor.handles[i] = raw.getValue(address + i * 4, "i32")
  }
}
