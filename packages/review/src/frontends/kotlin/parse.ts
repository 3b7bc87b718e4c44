/**
 * A second attempt for Kotlin. The grammar gives up on nested class bodies in one line (`class A { companion object { … } }`)
 * and then takes the rest of the file for a string, but it reads them when the closing brace stands in a line of its
 * own. Blanks are as long as line breaks, so every offset stays that of the text.
 */
import type { Syntax } from "../syntax.ts"

/**
 * Parses a text, and once more with closing braces in lines of their own where that leaves fewer errors.
 * @throws what `parse` throws at the first attempt
 */
export async function parseKotlin(
  text: string,
  parse: (text: string) => Promise<Syntax>,
): Promise<Syntax> {
  const root = await parse(text)
  const errors = errorsIn(root)
  const broken = errors > 0 ? withLines(text) : text
  if (broken === text) return root
  const second = await parse(broken).catch(() => root)
  return errorsIn(second) < errors ? second : root
}

/** Lines with quotes or comments stay as they are: a break would change what they say. */
function withLines(text: string): string {
  const lines = text.split("\n").map((line) => {
    return /["'`]|\/[/*]/.test(line) ? line : line.replaceAll(/[ \t]\}/g, "\n}")
  })
  return lines.join("\n")
}

function errorsIn(node: Syntax): number {
  let errors = node.type === "ERROR" || node.isMissing ? 1 : 0
  for (const child of node.children) errors += errorsIn(child)
  return errors
}
