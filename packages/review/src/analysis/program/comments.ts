/** Code without what is only said about it. */
import type { At } from "../../ir/nodes.ts"
import type { File } from "./file.ts"

/** The text of a place without its comments: one that speaks of a lock is none. */
export function withoutComments(file: File, { start, end }: At): string {
  let text = ""
  let at = start
  for (const comment of file.unit.comments) {
    if (comment.start < at || comment.end > end) continue
    text += file.text.slice(at, comment.start)
    at = comment.end
  }
  return text + file.text.slice(at, end)
}
