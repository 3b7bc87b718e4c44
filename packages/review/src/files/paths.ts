/** Which paths and texts are worth reading at all: what nobody wrote by hand here is nobody's mistake here. */

/** Folders of other people's code and of what tools made. */
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set([
  ".git",
  ".hg",
  ".svn",
  ".jj",
  ".venv",
  ".tox",
  ".nox",
  ".gradle",
  ".next",
  ".nuxt",
  ".yarn",
  "__pycache__",
  "__generated__",
  "bower_components",
  "build",
  "dist",
  "jspm_packages",
  "node_modules",
  "site-packages",
  "target",
  "third_party",
  "third-party",
  "vendor",
  "vendored",
  "venv",
])

const GENERATED_NAME =
  /\.(?:pb|pb\.gw|pb\.validate|connect|gen|generated|g|min|bundle)\.[a-z]+$|_(?:pb2|pb2_grpc|pb|grpc_pb|grpc|generated)\.[a-z]+$|^zz_generated\..*\.go$|-min\.js$/i

/** How far into a file its maker says that a program wrote it. */
const HEAD_CHARACTERS = 4_096

const GENERATED_HEAD =
  /Code generated [^\n]{0,200}DO NOT EDIT|@generated\b|auto-?generated (?:file|code|by)|(?:file|code) (?:is|was) (?:automatically|auto-?)\s?generated|^@(?:javax\.annotation\.(?:processing\.)?|jakarta\.annotation\.)?Generated\(/im

/** Long enough for a bundle, longer than any line that a person reads. */
const MINIFIED_LINE = 400
const MINIFIED_MIN_LENGTH = 4_096

/** Names that are words of a business too: somebody builds, is a vendor, has a target. */
const WORDS_OF_PACKAGES: ReadonlySet<string> = new Set(["build", "dist", "target", "vendor"])

/**
 * A folder within a package path of the JVM: `src/main/java/com/acme/build`, `src/com/acme/vendor`. What is built or
 * vendored lies beside such a path, never in it; `src/vendor` and `src/github.com/acme/app/vendor` stay what they are.
 */
const IN_PACKAGE =
  /(?:^|\/)src\/(?:[\w.-]+\/(?:java|kotlin|groovy|scala)\/|(?:com|org|net|io|dev|edu|gov)\/)(?:[\w$]+\/)*[\w$]+$/

/**
 * Whether nothing below a folder is read.
 * @param path - of the folder, relative to the root
 */
export function isSkippedFolder(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1)
  return SKIPPED_FOLDERS.has(name) && !(WORDS_OF_PACKAGES.has(name) && IN_PACKAGE.test(path))
}

/** Whether one of the folders around a file is such a folder. */
export function isInSkippedFolder(path: string): boolean {
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1))
    if (isSkippedFolder(path.slice(0, at))) return true
  return false
}

/** Whether a path's name alone says that a program wrote it. */
export function isGeneratedPath(path: string): boolean {
  return GENERATED_NAME.test(path.slice(path.lastIndexOf("/") + 1))
}

/** Whether the head of a text says so, as generators do in all five languages. */
export function isGeneratedText(text: string): boolean {
  return GENERATED_HEAD.test(text.slice(0, HEAD_CHARACTERS))
}

/** Whether a text has the long lines of a minified or bundled file. */
export function isMinified(text: string): boolean {
  if (text.length < MINIFIED_MIN_LENGTH) return false
  let lines = 1
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines++
  return text.length / lines > MINIFIED_LINE
}

/** A NUL byte at the start is what Git takes for binary too. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 8_000).includes(0)
}
