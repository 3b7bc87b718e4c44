/**
 * Takes secrets out of what is sent to a model. It errs on the side of taking too much: a judgement seldom hangs on
 * the letters of a key. Files that are likely to be nothing but secrets are never sent at all.
 */

export const REDACTED = "[redacted]"

/** Forms of keys that their issuers made recognisable. None of the expressions tries anything twice. */
const TOKENS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g,
  /\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b/g,
  /\bgh[opsur]_[A-Za-z0-9]{20,255}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,255}\b/g,
  /\bglpat-[A-Za-z0-9_-]{16,255}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}/g,
  /\b[spr]k[-_](?:live|test|proj|ant|or)?[-_]?[A-Za-z0-9_-]{16,255}/g,
  /\bAIza[A-Za-z0-9_-]{30,60}/g,
  /\bnpm_[A-Za-z0-9]{30,60}\b/g,
  /\bhf_[A-Za-z0-9]{20,60}\b/g,
  /\beyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,4000})?/g,
]

/** What stands between `scheme://` and `@` in an address. */
const USER_INFO = /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"'`]{1,200}@/gi
/** Where a text in quotes is given to a name that says it is a secret. */
const NAMED =
  /((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|credential|auth(?:orization)?|bearer|cookie|dsn)[A-Za-z0-9_]{0,40}["'`]?\]?\s{0,5}(?::=|=>|[:=(,])\s{0,5}[a-z]{0,2})(["'`])((?:(?!\2)[^\n\\]|\\[^\n]){4,4000})\2/gi
/** A text that only a machine wrote: long, without spaces, of letters and digits. */
const OPAQUE = /(["'`])([A-Za-z0-9+/=_-]{32,4000})\1/g

/** A text without what looks like a secret. Lines stay lines. */
export function redact(text: string): string {
  let clean = text
  for (const token of TOKENS) clean = clean.replace(token, keepLines)
  return clean
    .replace(USER_INFO, `$1${REDACTED}@`)
    .replace(NAMED, (_, before: string, quote: string) => `${before}${quote}${REDACTED}${quote}`)
    .replace(OPAQUE, (whole, quote: string, inner: string) =>
      isOpaque(inner) ? `${quote}${REDACTED}${quote}` : whole,
    )
}

function keepLines(found: string): string {
  return REDACTED + "\n".repeat(found.split("\n").length - 1)
}

/** Whether letters and digits are mixed as chance mixes them; names and paths are not. */
function isOpaque(text: string): boolean {
  const digits = text.replace(/\D/g, "").length
  if (digits < 4) return false
  const counts = new Map<string, number>()
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values())
    bits -= (count / text.length) * Math.log2(count / text.length)
  return bits > 3
}

/** Folders and files whose content is never sent. */
const DENIED =
  /(^|\/)(\.env[^/]*|[^/]*\.env|[^/]*\.(pem|key|p12|pfx|jks|keystore|kdbx|tfvars|tfstate|asc|gpg)|id_[^/]*|\.npmrc|\.netrc|\.pypirc|\.pgpass|\.htpasswd|credentials?[^/]*|secrets?(\.[^/]*)?|\.git|\.ssh|\.aws|\.kube|\.gnupg)(\/|$)/i

/** Whether nothing of a file may be sent. */
export function isDenied(path: string): boolean {
  return DENIED.test(path)
}
