import { readFile } from "node:fs/promises"
import { Language as Grammar, Parser } from "web-tree-sitter"
import { beforeAll, expect, test } from "vitest"
import { readSyntax } from "./syntax.ts"
import { readTree } from "./treeReader.ts"

const module = {}
beforeAll(() => Parser.init(module))

const TEXTS = {
  go: "package a\n\nfunc f() { for { if x := g(); x != nil { return } } }\n// end\n",
  python: "def f(a, *b):\n    return f'{a} {b!r}'\n\nclass A(B):\n  x: int = 1\n",
  typescript: "const é = `a${b}c` as string\nclass A { #x = 1; async f() { await this.#x } }\n",
  java: "class A { void f() { synchronized (this) { x(); } } }\n",
  kotlin: "fun f() = a?.let { b(it) } ?: c\n",
} as const
/** Broken in the middle, at the end, and deeper than any code. */
const BROKEN = ["f((((", "x = [1, 2\n\nclass {{{ )", "é\u{1f600} = ' ", "(".repeat(2_000), ""]

test.each(Object.entries(TEXTS))(
  "a tree of %s, whole or broken, is what the public cursor tells of it",
  async (name, text) => {
    const parser = new Parser()
    const wasm = await readFile(new URL(`../../grammars/${name}.wasm`, import.meta.url))
    const grammar = await Grammar.load(wasm)
    parser.setLanguage(grammar)
    for (const one of [text, ...BROKEN, ...BROKEN.map((broken) => text + broken + text)]) {
      const tree = parser.parse(one)!
      const cursor = tree.walk()
      expect(readTree(tree, grammar, module)).toEqual(readSyntax(cursor))
      expect(readTree(tree, grammar, {})).toEqual(readSyntax(tree.walk()))
      cursor.delete()
      tree.delete()
    }
    parser.delete()
  },
)

test("the parser has what the fast way needs: another version of it would be slower and nobody would see", () => {
  expect(Object.keys(module)).toContain("_ts_tree_cursor_goto_first_child_wasm")
  expect(Object.keys(module)).toContain("getValue")
})
