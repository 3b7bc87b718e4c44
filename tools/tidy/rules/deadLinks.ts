import { posix } from "node:path"
import { markdownAnchors, markdownLinks } from "../markdown.ts"
import type { Repository, SourceFile } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"

/** A link inside the repository leads to a file and a heading that are there. */
export const deadLinks: Rule = {
  name: "dead-links",
  mend: "Name the file relative to the page, and the anchor as GitHub makes it of the heading.",
  check(repository) {
    return repository.files
      .filter(({ path }) => path.endsWith(".md"))
      .flatMap((page) => deadLinksOf(repository, page))
  },
}

function deadLinksOf(repository: Repository, page: SourceFile): Finding[] {
  return markdownLinks(page.text).flatMap(({ target, line }): Finding[] => {
    const message = deadness(repository, page, target)
    return message === undefined ? [] : [{ path: page.path, line, message }]
  })
}

function deadness(repository: Repository, page: SourceFile, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target)) return undefined
  const [place = "", anchor] = target.replaceAll("%20", " ").split("#")
  const file = place.split("?")[0] ?? ""
  const path = file === "" ? page.path : resolve(page.path, file)
  if (!repository.has(path)) return `no such file: ${target}`
  if (anchor === undefined || !path.endsWith(".md")) return undefined
  const anchors = markdownAnchors(repository.get(path)?.text ?? "")
  return anchors.has(anchor) ? undefined : `no such heading: ${target}`
}

function resolve(page: string, file: string): string {
  const path = file.startsWith("/") ? file.slice(1) : posix.join(posix.dirname(page), file)
  return path === "." ? "" : path.replace(/^\.\//, "").replace(/\/$/, "")
}
