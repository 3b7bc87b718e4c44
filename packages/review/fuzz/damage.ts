/** Ways to make a text that nobody wrote: from a text with a mistake in it, or from nothing. */
import type { Chance } from "./chance.ts"

/** A file that is larger is passed over by the reviewer. */
export const MAX_LENGTH = 1024 * 1024

export type Damage = (text: string, chance: Chance, other: string) => string

const BRACKETS = [
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  "<",
  ">",
  "`",
  '"',
  "'",
  "${",
  "/*",
  "*/",
  "//",
  "#",
  "'''",
  '"""',
]
const ODD = [
  "\0",
  "\u001b[31m",
  "\u2028",
  "\ud800",
  "\u202e",
  "\ufeff",
  "\r",
  "\t",
  "\u00a0",
  "𝕏",
  "\\",
  "\\u",
  "\\x",
  "%s",
  "--",
]
const WORDS =
  "if else for while do try catch finally except return throw raise await async go select case default func fun def class interface object new lambda yield with synchronized defer switch when range in is not null nil None true import package from export const let var val static public suspend break continue time Sleep setTimeout sleep delay redis SET NX EX DEL lock unlock retry backoff rand Random update where values insert into select".split(
    " ",
  )
const SIGNS = [
  "=",
  "==",
  "=>",
  "->",
  ":=",
  "<-",
  "+",
  "*",
  "**",
  ".",
  "?.",
  "!!",
  "??",
  "?:",
  ",",
  ";",
  ":",
  "@",
  "\n",
  "  ",
  "&&",
  "||",
  "...",
]

/** Openings whose repetition nests; the closing half may be missing. */
const NESTS: readonly (readonly [string, string])[] = [
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
  ["f(", ")"],
  ["if (x) {", "}"],
  ["if x {\n", "}\n"],
  ["for (;;) {", "}"],
  ["try {", "} catch (e) {}"],
  ["function a() {", "}"],
  ["() => (", ")"],
  ["class A {", "}"],
  ["`${", "}`"],
  ['"${', '}"'],
  ["else if (x) {} ", ""],
  ["} else if x {\n", ""],
  ["a + ", ""],
  ["a.b().", ""],
  ["!", ""],
  ["await ", ""],
  ["x => ", ""],
  ["a ? b : ", ""],
  ["<A>", "</A>"],
  ["case 1: ", ""],
  ["async def f():\n ", ""],
  ["lambda: ", ""],
  ["@A", ""],
  ["*", ""],
  ["x = ", ""],
  ["'a' + ", ""],
  ["select * from (", ")"],
  ["List<", ">"],
  ["-", ""],
]

/** What an expression that tries the same characters again and again would stumble over. */
const RUNS = [
  " ",
  "\t",
  "a",
  "a ",
  "(",
  "sleep",
  "sleep ",
  "select ",
  "lock ",
  "--",
  "/*",
  "*",
  "'",
  '"',
  "\\",
  "0",
  "=",
  "backoff * ",
  "retry_",
  "drover-ignore[",
  "drover-ignore",
  "ttl ",
  ", ",
  "\n",
  "set nx ",
  "{{",
  "%",
]

export const damages: Readonly<Record<string, Damage>> = {
  bytes: (_text, chance) => {
    const bytes = new Uint8Array(chance.size(8192))
    for (let at = 0; at < bytes.length; at++) bytes[at] = chance.below(256)
    return Buffer.from(bytes).toString("utf8")
  },
  words: (_text, chance) =>
    Array.from({ length: chance.size(4000) }, () =>
      chance.pick(chance.pick([WORDS, WORDS, SIGNS, BRACKETS])),
    ).join(chance.pick([" ", " ", ""])),
  mutated: (text, chance) => {
    let changed = text
    for (let left = chance.size(12); left > 0; left--) changed = mutatedOnce(changed, chance)
    return changed
  },
  spliced: (text, chance, other) =>
    text.slice(0, chance.below(text.length + 1)) + other.slice(chance.below(other.length + 1)),
  inserted: (text, chance, other) => {
    const at = chance.below(text.length + 1)
    const from = chance.below(other.length + 1)
    return text.slice(0, at) + other.slice(from, from + chance.size(800)) + text.slice(at)
  },
  cutOff: (text, chance) => text.slice(0, chance.below(text.length + 1)),
  beheaded: (text, chance) => text.slice(chance.below(text.length + 1)),
  nested: (text, chance) => {
    const [open, close] = chance.pick(NESTS)
    const depth = chance.size(20_000)
    const inside = chance.once(2) ? text : chance.pick(["x", "", "f()"])
    const at = chance.once(2) ? 0 : chance.below(text.length + 1)
    const closed = chance.once(3) ? "" : close.repeat(depth)
    return text.slice(0, at) + open.repeat(depth) + inside + closed + text.slice(at)
  },
  oneLine: (text, chance) => {
    const line = text.replaceAll("\n", chance.pick([" ", "; ", ";", ""]))
    return repeated(line, chance.size(400_000))
  },
  repeated: (text, chance) => repeated(text, chance.size(600_000)),
  run: (text, chance) => {
    const at = chance.below(text.length + 1)
    const run = repeated(chance.pick(RUNS), chance.size(200_000))
    const [open, close] = chance.pick([
      ["", ""],
      ['"', '"'],
      ["`", "`"],
      ["/*", "*/"],
      ["// ", "\n"],
      ["# ", "\n"],
      ['"""', '"""'],
    ] as const)
    return text.slice(0, at) + open + run + close + text.slice(at)
  },
}

function mutatedOnce(text: string, chance: Chance): string {
  const at = chance.below(text.length + 1)
  const end = Math.min(text.length, at + chance.size(200))
  switch (chance.below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(end)
    case 1:
      return text.slice(0, at) + text.slice(at, end).repeat(2) + text.slice(end)
    case 2:
      return text.slice(0, at) + chance.pick(BRACKETS) + text.slice(at)
    case 3:
      return text.slice(0, at) + chance.pick(ODD) + text.slice(at + chance.below(2))
    case 4:
      return text.slice(0, at) + ` ${chance.pick(WORDS)} ` + text.slice(end)
    case 5:
      return text.slice(0, at) + chance.pick(SIGNS) + text.slice(at + 1)
    default:
      return swapLines(text, chance)
  }
}

function swapLines(text: string, chance: Chance): string {
  const lines = text.split("\n")
  const one = chance.below(lines.length)
  const two = chance.below(lines.length)
  ;[lines[one], lines[two]] = [lines[two]!, lines[one]!]
  return lines.join("\n")
}

function repeated(text: string, length: number): string {
  return text === ""
    ? ""
    : text.repeat(Math.ceil(length / text.length)).slice(0, length + text.length)
}
