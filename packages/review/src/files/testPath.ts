/** What a path says of its file's purpose, by the conventions of the five languages. */
import type { Language } from "../ir/nodes.ts"

/** Folders that hold tests in every language. */
const TEST_FOLDER =
  /(?:^|\/)(?:tests?|__tests__|__mocks__|spec|specs|e2e|testing|testdata|testutils?|test[-_]utils?|test[-_]helpers?|integration[-_]?tests?|t\/(?:unit|integration|smoke|functional)|src\/(?:[a-z]*Test|test[A-Z][A-Za-z]*|it|integrationTest|testFixtures))\//

const TEST_NAME: Readonly<Record<Language, RegExp>> = {
  go: /_test\.go$/,
  python: /(?:^|\/)(?:test_[^/]*|[^/]*_tests?|conftest|tests)\.py$/,
  javascript:
    /[._-](?:test|tests|spec|e2e|cy)\.[cm]?jsx?$|(?:^|\/)(?:jest|vitest|playwright|karma)\.(?:config|setup)\.[cm]?js$/,
  typescript:
    /[._-](?:test|tests|spec|e2e|cy|test-d)\.[cm]?tsx?$|(?:^|\/)(?:jest|vitest|playwright|karma)\.(?:config|setup)\.[cm]?ts$/,
  // What begins with it is a test where tests lie: `TestRunService` of what is shipped runs people's tests.
  java: /(?:^|\/)[^/]*(?:Test|Tests|TestCase|[a-z\d]IT|ITCase|Spec)\.java$|^(?!.*src\/main\/)(?:.*\/)?Test[A-Z][^/]*\.java$/,
  kotlin:
    /(?:^|\/)[^/]*(?:Test|Tests|TestCase|[a-z\d]IT|ITCase|Spec)\.kts?$|^(?!.*src\/main\/)(?:.*\/)?Test[A-Z][^/]*\.kts?$/,
  sql: /(?:^|\/)test_[^/]*\.sql$/,
}

const EXAMPLE =
  /(?:^|\/)(?:_?examples?|samples?|demos?|scripts?|bench|benches|benchmarks?|migrations?|migrate|cli|playground|tutorials?|quickstarts?|docs?|\.github)\/|^(?:tools?|hack)\//

const EXAMPLE_NAME =
  /(?:^|\/)(?:example|sample|demo|bench|benchmark)s?(?:[._-][^/]*)?\.[a-z]+$|[._-](?:example|sample|demo|stories|bench|benchmark)\.[a-z]+$/

/**
 * What is shown, measured or run by hand, and what belongs to tools (`.github`). Migrations and commands are not in it, a deployment runs them; nor are
 * `tools` below the top, which may be what a service offers.
 */
const ASIDE =
  /(?:^|\/)(?:(?:[\w.-]*[-_.])?(?:examples?|samples?|demos?|bench|benches|benchmarks?)|playgrounds?|tutorials?|quickstarts?|docs?|docs_src|(?<!(?:static|assets|public)\/)scripts?|\.[a-z][\w-]*)\/|^(?:tools?|hack)\//

/** What project generators call the package of a new Java or Kotlin application: most keep it, and it shows nothing. */
const DEFAULT_PACKAGE = /(?<=(?:^|\/)(?:com|org|net|io|dev)\/)examples?\/(?:demo\/)?/

function withoutDefaultPackage(path: string): string {
  return path.replace(DEFAULT_PACKAGE, "")
}

/** Whether a file holds tests, or what only tests use. */
export function isTestPath(path: string, language: Language): boolean {
  return TEST_NAME[language].test(path) || TEST_FOLDER.test(path)
}

/** Whether a file is an example, a script, a benchmark, a migration or a command: code that no fleet runs. */
export function isExamplePath(path: string): boolean {
  return EXAMPLE.test(withoutDefaultPackage(path)) || EXAMPLE_NAME.test(path)
}

/** Whether a file is an example, a benchmark, a script or a developer's tool. */
export function isAsidePath(path: string): boolean {
  return ASIDE.test(withoutDefaultPackage(path)) || EXAMPLE_NAME.test(path)
}
