/** missing-deadline: a call to others that nothing ends. */
import { unboundedInGo } from "../analysis/waits/deadlines/go.ts"
import { unboundedInJvm } from "../analysis/waits/deadlines/jvm.ts"
import { unboundedInPython } from "../analysis/waits/deadlines/python.ts"
import { unboundedInScript } from "../analysis/waits/deadlines/script.ts"
import type { Unbounded } from "../analysis/waits/deadlines/unbounded.ts"
import type { File } from "../analysis/program/file.ts"
import type { Program } from "../analysis/program/program.ts"
import { isExamplePath } from "../files/testPath.ts"
import type { Rule } from "./rule.ts"

/** Commands that a person runs and can stop. */
const COMMAND = /(?:^|\/)management\/commands\/|(?:^|\/)(?:setup|fabfile|noxfile|tasks|manage)\.py$/

export const missingDeadline: Rule = {
  id: "missing-deadline",
  title: "Missing deadline",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /net\/http|ctx|requests|urlopen|urllib|httpx|aiohttp|smtplib|ftplib|socket|http\.client|fetch|axios|got\b|RestTemplate|RestClient|HttpRequest|openConnection|openStream|readText|readBytes|HttpClient|newBlockingStub|CoroutineStub|WebClient|webClient|ClientBuilder/,
  docs: {
    what: "A call to another machine has no timeout: not in its arguments, not in its client, not in the context that it runs under.",
    why: "When the other side accepts the connection and never answers, the call never returns. Its thread, connection and everything that waits for it are lost; in a loop of the background the work stops for good, and nothing says so.",
    silent: [
      "A timeout is passed, set on the client or session, or flows into the context from any caller.",
      "The options are not seen whole, so that they may hold one.",
      "The client has a limit of its own (httpx, aiohttp) that is not switched off.",
      "The code is a script, a command, an example, a tool at the top of the repository, or the start of a program.",
    ],
    reach: {
      sees: [
        "In Go `http.Get` and its like, http.DefaultClient, an http.Client without Timeout, and requests whose context has no deadline; and queries (database/sql, pgx, sqlc) that an endless loop runs under a context that ends with the process.",
        "In Python requests and its sessions, `urlopen`, smtplib, ftplib, http.client and `socket.create_connection`; httpx and aiohttp where their timeout is switched off.",
        "In TypeScript axios, got and instances of them; `fetch` without a signal in a loop, timer, job or consumer (elsewhere of tier context).",
        "In Java and Kotlin RestTemplate, RestClient, WebClient, JAX-RS' ClientBuilder, java.net.http, `openConnection`, `openStream`, Kotlin's `URL.readText`, Apache's HttpClient, gRPC's blocking and coroutine stubs, Ktor's HttpClient.",
      ],
      misses: [
        "Calls of gRPC but on the JVM, clients of Redis, of brokers and of clouds (boto3, the AWS SDK), and databases but in Go's loops.",
        "Other clients of HTTP: ky, undici's `request`, superagent, OkHttp whose timeouts are switched off, Feign and Retrofit.",
        "Code of browsers, by its folder or its file's ending.",
        "Timeouts that a proxy or a mesh sets.",
      ],
    },
    fix: "Give every call to others a limit that fits what waits for it.",
    reference: "https://sre.google/sre-book/addressing-cascading-failures/",
    examples: {
      go: {
        bad: "resp, err := http.Get(url)",
        good: "client := &http.Client{Timeout: 10 * time.Second}\nresp, err := client.Get(url)",
      },
      python: {
        bad: "response = requests.get(url)",
        good: "response = requests.get(url, timeout=10)",
      },
      typescript: {
        bad: "setInterval(async () => {\n  await fetch(url)\n}, 1000)",
        good: "setInterval(async () => {\n  await fetch(url, { signal: AbortSignal.timeout(5000) })\n}, 1000)",
      },
      java: {
        bad: "RestTemplate template = new RestTemplate();",
        good: "RestTemplate template = new RestTemplateBuilder()\n    .setConnectTimeout(Duration.ofSeconds(2))\n    .setReadTimeout(Duration.ofSeconds(10))\n    .build();",
      },
      kotlin: {
        bad: "val request = HttpRequest.newBuilder(uri).build()\nclient.send(request, BodyHandlers.ofString())",
        good: "val request = HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(10)).build()\nclient.send(request, BodyHandlers.ofString())",
      },
    },
  },
  check(file, program, report) {
    if (isExamplePath(file.path) || COMMAND.test(file.path)) return
    for (const one of unboundedIn(program, file)) {
      report({
        at: one.at,
        tier: one.tier,
        severity: one.severity,
        message: `${one.what} ${one.why}`,
        because: [{ text: "called here", at: one.at }, ...one.facts],
        checked: one.checked,
        fix: one.edits?.[0]
          ? { text: one.fix, safety: "unsafe", edits: one.edits }
          : { text: one.fix },
      })
    }
  },
}

function unboundedIn(program: Program, file: File): Unbounded[] {
  switch (file.language) {
    case "go":
      return unboundedInGo(program, file)
    case "python":
      return unboundedInPython(program, file)
    case "java":
    case "kotlin":
      return unboundedInJvm(program, file)
    default:
      return unboundedInScript(program, file)
  }
}
