export interface MarkdownLink {
  readonly target: string
  /** 1-based. */
  readonly line: number
}

const FENCE = /^\s*(`{3,}|~{3,})/
const INLINE_CODE = /(`+)(?:(?!\1).)*?\1/g
const LINK = /\]\(\s*<?([^)\s>]+)>?(?:\s+["'(][^)]*)?\)/g
const HTML_LINK = /<(?:a|img|source)\b[^>]*?\s(?:href|src|srcset)=["']([^"']+)["']/gi
const DEFINITION = /^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/

/** The targets of links and images, code left out. */
export function markdownLinks(text: string): MarkdownLink[] {
  return proseLines(text).flatMap(({ prose, line }) => {
    const plain = prose.replaceAll(INLINE_CODE, "")
    const targets = [...plain.matchAll(LINK), ...plain.matchAll(HTML_LINK)].map(
      ([, target]) => target,
    )
    targets.push(DEFINITION.exec(plain)?.[1])
    return targets.flatMap((target) => (target === undefined ? [] : [{ target, line }]))
  })
}

/** The anchors that a page offers: its headings as GitHub slugs them, and explicit ids. */
export function markdownAnchors(text: string): Set<string> {
  const anchors = new Set<string>()
  const seen = new Map<string, number>()
  for (const { prose } of proseLines(text)) {
    for (const [, id] of prose.matchAll(/\s(?:id|name)=["']([^"']+)["']/g)) anchors.add(id ?? "")
    const heading = /^#{1,6}\s+(.+?)\s*#*$/.exec(prose)?.[1]
    if (heading === undefined) continue
    const slug = slugOf(heading)
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    anchors.add(times === 0 ? slug : `${slug}-${times}`)
  }
  return anchors
}

function slugOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, "")
    .replaceAll(" ", "-")
}

/** Lines outside fenced code. */
function proseLines(text: string): { prose: string; line: number }[] {
  let fence: string | undefined
  return text.split("\n").flatMap((prose, index) => {
    const mark = FENCE.exec(prose)?.[1]
    if (fence === undefined && mark === undefined) return [{ prose, line: index + 1 }]
    if (fence === undefined) fence = mark
    else if (mark?.startsWith(fence) === true && prose.trim() === mark) fence = undefined
    return []
  })
}
