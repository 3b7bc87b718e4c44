/** Whether the output is coloured. */
import { refuseTogether, type Parsed } from "./parse.ts"
import type { Terminal } from "./terminal.ts"

/**
 * Options come before the environment (`NO_COLOR`, `FORCE_COLOR`), and that before whether a person looks.
 * @throws UsageError
 */
export function wantsColour(parsed: Parsed, terminal: Terminal): boolean {
  refuseTogether(parsed, ["color", "no-color"], "one asks for colours and the other for none")
  if (parsed.flags.has("color")) return true
  if (parsed.flags.has("no-color")) return false
  const { NO_COLOR, FORCE_COLOR, TERM } = terminal.env
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "") return FORCE_COLOR !== "0"
  return terminal.outIsTerminal && TERM !== "dumb"
}
