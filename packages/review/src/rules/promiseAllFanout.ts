/** promise-all-fanout: one call to others for each element of a list of any length, all at once. */
import { fanoutsOf, methodAround, type Fanout } from "../analysis/effects/fanouts.ts"
import type { File } from "../analysis/program/file.ts"
import { originOf } from "../analysis/effects/listOrigins.ts"
import { dotted } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { resolveCall } from "../analysis/program/resolve.ts"
import { targetOf } from "../analysis/program/targets.ts"
import { isExamplePath } from "../files/testPath.ts"
import { walk } from "../ir/children.ts"
import type { Call, Node } from "../ir/nodes.ts"
import type { Rule } from "./rule.ts"

const LIMITERS =
  /p-?limit|\blimit(?:er)?\s*\(|\blimit\(|sema(?:phore)?\b|\bsem\b|Semaphore|withPermit|limitedParallelism|SetLimit|bottleneck|throttle|(?<![lL]ock(?:s|er|ing)?)\.acquire|(?<![lL]ock(?:s|er|ing)?\.)Acquire|concurrency|chunk|max_?(?:workers|concurren\w*|parallel\w*)|worker_?pool|ants\.|tokens\s*<-|make\(chan struct\{\},|flatMapMerge|newFixedThreadPool|queue\.add\(|pMap|mapLimit/

/** A browser bounds its connections itself. */
const BROWSER =
  /\.[jt]sx$|(?:^|\/)(?:frontend|client|web|webapp|ui|components|hooks|pages|browser|public|static|views|dashboard)\//

/** Within a folder of pages these run on the server all the same: Next's and others' routes. */
const SERVER =
  /(?:^|\/)(?:app|pages|src)\/(?:[^/]+\/)*api\/|\/route\.[jt]s$|(?:^|\/)server\/|\.server\.[jt]s$/

export const promiseAllFanout: Rule = {
  id: "promise-all-fanout",
  title: "Fan-out without a limit",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /Promise\.all|gather|create_task|start_soon|\bgo\s|\.Go\(|async|launch|Async|submit|execute|VirtualThread|as_completed/,
  docs: {
    what: "For every element of a list that can have any length (rows of a database, the body of a request) a call to another service is started, all of them at once.",
    why: "With ten elements it is fast. With ten thousand it opens as many connections, runs out of memory or file descriptors, and the service at the other end answers with 429, or falls over.",
    silent: [
      "The list has a known length, or is cut into chunks or pages.",
      "A limit is held: p-limit, a semaphore, SetLimit, a pool of fixed size.",
      "What is started does not leave the process.",
    ],
    reach: {
      sees: [
        "In TypeScript `Promise.all` and `Promise.allSettled` over a `map`; in Python `gather`, `wait` and `as_completed` of a comprehension, and `create_task`, `ensure_future` and `start_soon` in a loop; in Go `go` and errgroup's `Go` in a `range`.",
        "In Kotlin `async` and `launch` in a `map`, a `forEach` or a loop; in Java `sendAsync`, virtual threads, and executors of a file that makes a cached or virtual pool.",
        "Lists of any length: rows without a LIMIT, bodies and parameters of requests, calls named after lists (`findAll`, `listUsers`, `getUsersByTeam`), and rows of a data frame (`iterrows`).",
        "Work that goes to another service, up to two calls deep: clients of HTTP and RPC, S3, SQS, SNS, mail, language models, and what is called a client, provider, gateway or API.",
      ],
      misses: [
        "Queries, which the pool of connections bounds.",
        "Promises that are pushed to a list one by one, and CompletableFuture on the common pool.",
        "Code of browsers, which bound their connections themselves.",
        "A limit that the client or its agent has.",
      ],
    },
    fix: "Bound how many run at once: p-limit or p-map, errgroup.SetLimit, asyncio.Semaphore, kotlinx Semaphore, a fixed pool.",
    reference: "https://sre.google/sre-book/handling-overload/",
    examples: {
      go: {
        bad: "users, _ := db.ListUsers(ctx)\nfor _, u := range users {\n\tgo client.Post(u.Hook)\n}",
        good: "g.SetLimit(10)\nfor _, u := range users {\n\tg.Go(func() error { return post(u.Hook) })\n}",
      },
      python: {
        bad: "users = await repo.find_all()\nawait asyncio.gather(*[client.post(u.hook) for u in users])",
        good: "limit = asyncio.Semaphore(10)\nasync def one(u):\n    async with limit:\n        await client.post(u.hook)\nawait asyncio.gather(*[one(u) for u in users])",
      },
      typescript: {
        bad: "const users = await prisma.user.findMany()\nawait Promise.all(users.map((u) => fetch(u.hook)))",
        good: "const limit = pLimit(10)\nawait Promise.all(users.map((u) => limit(() => fetch(u.hook))))",
      },
      java: {
        bad: "users.findAll().stream().map(u -> client.sendAsync(request(u), ofString())).toList();",
        good: "for (List<User> chunk : partition(users.findAll(), 10)) {\n  sendAll(chunk);\n}",
      },
      kotlin: {
        bad: "users.findAll().map { async { client.post(it.hook) } }.awaitAll()",
        good: "val limit = Semaphore(10)\nusers.findAll().map { async { limit.withPermit { client.post(it.hook) } } }.awaitAll()",
      },
    },
  },
  check(file, program, report) {
    if (isExamplePath(file.path) || (BROWSER.test(file.path) && !SERVER.test(file.path))) return
    for (const fanout of fanoutsOf(program, file)) {
      const method = methodAround(file, fanout)
      if (LIMITERS.test(method ? file.textOf(method) : file.textOf(fanout.at))) continue
      const remote = remoteIn(program, fanout)
      if (!remote) continue
      const origin = originOf(program, file, fanout.over)
      if (origin.kind === "bounded") continue
      report({
        at: fanout.at,
        tier: origin.kind === "unbounded" ? "likely" : "context",
        severity: "low",
        message: `\`${dotted(remote.call.callee)}\` is called for every element of \`${file.textOf(fanout.over).replaceAll(/\s+/g, " ").slice(0, 50)}\` at once, however many there are`,
        because: [
          { text: "all are started here", at: fanout.at },
          { text: "the list comes from here, of any length", at: origin.at, file: origin.file },
          { text: "each calls this", at: remote.call, file: remote.file },
        ],
        checked: [
          "no semaphore, pool or limiter bounds how many run at once",
          "the list is not cut into chunks or pages",
        ],
      })
    }
  },
}

/** The call to another machine that each piece of work makes; null where a limit stands before it. */
function remoteIn(
  program: Program,
  fanout: Fanout,
): { readonly file: File; readonly call: Call } | null {
  for (const { file, node } of fanout.work) {
    const found = remoteWithin(program, file, node, 2)
    if (found !== "limited" && found) return found
    if (found === "limited") return null
  }
  return null
}

const HTTP =
  /(?:^|\.)fetch$|axios|\bgot\b|requests\.|httpx|https?\b|[cC]lient\.|[cC]lient\(\)\.|Client\.|[lL]lm\.|LLM\.|openai|anthropic|gen_?ai|litellm|[sS]tub\.|[aA]pi\.|webhook|smtp|[mM]ailer\.|s3|sns|sqs|ses\b|bucket|upload|download|[pP]rovider\.|[gG]ateway\.|[oO]ctokit\.|[gG]mail\.|[gG]raph\./

/** `EmailClient.getInstance()` gives a client and asks nobody. */
const MAKES = /^(?:get|create|make|new|of|build)?_?(?:[iI]nstance|[cC]lient)$/

/** Ports to services of others: `emailProvider.getThread(id)`, `this.crmGateway.fetchContact(id)`. */
const ABROAD =
  /(?:[pP]rovider|[gG]ateway|[oO]ctokit|[gG]mail|[gG]raph)\.(?:[\w.]*\.)?(?:get|fetch|list|load|send|create|update|search|delete|find|post)\w*$/

function remoteWithin(
  program: Program,
  file: File,
  root: Node,
  depth: number,
): { readonly file: File; readonly call: Call } | "limited" | null {
  let found: { readonly file: File; readonly call: Call } | "limited" | null = null
  walk(root, (node) => {
    if (found || node.kind !== "call") return !found
    const name = dotted(node.callee)
    if (
      HTTP.test(name) &&
      !MAKES.test(node.name) &&
      (/(?:^|\.)fetch$/.test(name) ||
        targetOf(program, file, node, 0) === "remote" ||
        /[cC]lient\./.test(name) ||
        (ABROAD.test(name) && file.parentOf(node)?.kind === "await"))
    ) {
      found = { file, call: node }
      return false
    }
    if (depth > 0) {
      for (const target of resolveCall(program, file, node)) {
        if (found || !target.fn.body) continue
        const text = target.file.textOf(target.fn)
        found = remoteWithin(program, target.file, target.fn.body, depth - 1)
        if (found && LIMITERS.test(text)) found = "limited"
      }
    }
    return undefined
  })
  return found
}
