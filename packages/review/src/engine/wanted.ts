/** Which files a review reads: sources of the languages, and what tells how they run. */
import { kindOf } from "../frontends/parse.ts"

const EVIDENCE =
  /\.(?:ya?ml|toml|properties|tf|tfvars|hcl|sql|conf|prisma)$|(?:^|\/)(?:[^/]*Dockerfile[^/]*|Procfile|README(?:\.md)?|[^/]+\.json)$/i

const NO_EVIDENCE =
  /(?:^|\/)(?:package-lock|npm-shrinkwrap|pnpm-lock|composer\.lock|tsconfig[^/]*|\.eslintrc[^/]*|poetry|Cargo|uv)\.(?:json|ya?ml|toml|lock)$/i

/** JSON says how a program runs in small files; large ones are data. */
const MAX_JSON_LENGTH = 64 * 1024

export function isSourcePath(path: string): boolean {
  return kindOf(path) !== null
}

export function isEvidencePath(path: string): boolean {
  return EVIDENCE.test(path) && !NO_EVIDENCE.test(path)
}

export function isWanted(path: string): boolean {
  return isSourcePath(path) || isEvidencePath(path)
}

export function isEvidence(path: string, text: string): boolean {
  return isEvidencePath(path) && (!/\.json$/i.test(path) || text.length <= MAX_JSON_LENGTH)
}
