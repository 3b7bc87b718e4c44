/** in-memory-dedupe: what was processed is remembered by one process alone. */
import { consumersOf } from "../analysis/messages/consumers.ts"
import { definitionsOf } from "../analysis/program/definitions.ts"
import { leaves } from "../analysis/program/failures.ts"
import type { File } from "../analysis/program/file.ts"
import { isRequestHandler, isWebhookName } from "../analysis/program/handlers.ts"
import { dotted, receiverOf, wordsOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import {
  callsWithin,
  fieldValues,
  isCollection,
  isNamedForRepetitions,
  type Rememberer,
  rememberersOf,
} from "../analysis/sharing/rememberers.ts"
import { type State, stateOf } from "../analysis/sharing/states.ts"
import { isExamplePath } from "../files/testPath.ts"
import { walk } from "../ir/children.ts"
import type { Func, Node } from "../ir/nodes.ts"
import { inMemoryDedupeReach } from "./reach/inMemoryDedupe.ts"
import type { Draft, Rule } from "./rule.ts"

/** Collections that are named after what was done already. */
const REMEMBERS =
  /processed|handled|dedup|idempot|duplicate|already|delivered|consumed|(?:seen|recent|known|received|used)_?(?:\w*_?)?(?:ids?|keys?|events?|messages?|nonces?|hooks?|webhooks?|deliver(?:y|ies)|requests?|orders?|payments?|transactions?|tokens?)$|^(?:seen|_seen)$/i

/** What a message or request is known by. */
const IDENTITY =
  /(?:^|[._])(?:\w*ids?|\w*_id|\w*Id|\w*ID|uuid|\w*[kK]ey|nonce|hash|\w*[eE]vent|msg|message|\w*[tT]oken|fingerprint|delivery|signature)(?:\(\))?$/

const HAS =
  /^(?:has|includes|contains|containsKey|get|getIfPresent|Load|Get|Contains|Has|__contains__|exists)$/
const ADD =
  /^(?:add|set|push|append|put|Store|Set|Add|Put|putIfAbsent|LoadOrStore|setdefault|addIfAbsent|insert)$/

/** What keeps for all instances. */
const SHARED =
  /redis|\bdb\b|database|prisma|repository|\brepo\b|\bkv\b|dynamo|memcache|supabase|firestore|mongo|storage|transaction|\bsql\b|etcd|\bcache\.(?:get|set|add)\b/i

export const inMemoryDedupe: Rule = {
  id: "in-memory-dedupe",
  title: "Deduplication in one process's memory",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /processed|Processed|[hH]andled|[dD]edup|DEDUP|[iI]dempot|[dD]uplicate|[aA]lready|[dD]elivered|[cC]onsumed|PROCESSED|SEEN|[sS]een|[rR]ecent|[kK]nown|[rR]eceived|[uU]sed/,
  docs: {
    what: "A handler of messages, webhooks or requests that others repeat asks a set or map in its own memory whether it has seen an identity, and adds it there, itself or through functions that do nothing else.",
    why: "The set is empty after every restart, and another instance has another one. A redelivery goes to any instance, most often after a restart: exactly then it is processed again. The set also grows for ever, unless it is bounded.",
    silent: [
      "A store that all instances share is asked too.",
      "The set belongs to one call, one connection or one object that is made for each; what comes over a connection of the object's own comes again to it alone.",
      "The collection is no memory of identities: it is not both asked and filled on the way to the work.",
      "Nothing says that several instances run, or that the sender repeats (tier context).",
    ],
    reach: inMemoryDedupeReach,
    fix: "Keep the identities where all instances see them: a table with a unique key, written in the transaction of the work, or `SET key NX EX` in Redis before it.",
    reference: "https://microservices.io/patterns/communication-style/idempotent-consumer.html",
    examples: {
      go: {
        bad: "if _, ok := h.processed[msg.ID]; ok {\n\treturn nil\n}\nh.processed[msg.ID] = true",
        good: '_, err := tx.Exec("INSERT INTO processed_messages (id) VALUES ($1)", msg.ID)\nif isUniqueViolation(err) {\n\treturn nil\n}',
      },
      python: {
        bad: "processed_ids = set()\n\ndef on_message(message):\n    if message.id in processed_ids:\n        return\n    processed_ids.add(message.id)",
        good: 'def on_message(message):\n    if not redis.set(f"processed:{message.id}", 1, nx=True, ex=86400):\n        return',
      },
      typescript: {
        bad: "const processed = new Set<string>()\nconsumer.run({\n  eachMessage: async ({ message }) => {\n    if (processed.has(id(message))) return\n    processed.add(id(message))\n  },\n})",
        good: "consumer.run({\n  eachMessage: async ({ message }) => {\n    if (!(await redis.set(`processed:${id(message)}`, 1, { NX: true, EX: 86_400 }))) return\n  },\n})",
      },
      java: {
        bad: 'private final Set<String> processed = ConcurrentHashMap.newKeySet();\n\n@KafkaListener(topics = "orders")\nvoid on(Order order) {\n  if (!processed.add(order.id())) return;\n}',
        good: '@KafkaListener(topics = "orders")\n@Transactional\nvoid on(Order order) {\n  if (!inbox.insertIfAbsent(order.id())) return;\n}',
      },
      kotlin: {
        bad: 'private val processed = mutableSetOf<String>()\n\n@KafkaListener(topics = ["orders"])\nfun on(order: Order) {\n  if (!processed.add(order.id)) return\n}',
        good: '@KafkaListener(topics = ["orders"])\n@Transactional\nfun on(order: Order) {\n  if (!inbox.insertIfAbsent(order.id)) return\n}',
      },
    },
  },
  check(file, program, report) {
    if (isExamplePath(file.path) || /\.(?:jsx|tsx)$/.test(file.path)) return
    const seen = new Set<string>()
    for (const check of checksOf(program, file)) {
      if (seen.has(check.state.key)) continue
      const fn = file.methodOf(check.at) ?? file.functionOf(check.at)
      if (!fn || !isLasting(program, file, check) || asksShared(file, fn, check.collection))
        continue
      seen.add(check.state.key)
      report(draftOf(program, file, fn, check))
    }
    for (const one of rememberersOf(program, file)) {
      if (seen.has(one.state.key) || !REMEMBERS.test(lastOf(one.collection))) continue
      if (
        !isLasting(program, file, { ...one, key: one.at }) ||
        asksShared(file, one.fn, one.collection)
      )
        continue
      seen.add(one.state.key)
      report(ofRememberer(program, file, one))
    }
  },
}

interface Check {
  readonly at: Node
  readonly collection: Node
  readonly key: Node
  readonly state: State
  readonly added: Node
}

/** Places that leave when a collection has an identity, and add the identity otherwise. */
function checksOf(program: Program, file: File): Check[] {
  const found: Check[] = []
  for (const fn of file.functions) {
    if (file.functionOf(fn) !== null && file.methodOf(fn) !== null) continue
    walk(fn, (node) => {
      if (node.kind !== "if") return undefined
      const check = checkOf(program, file, fn, node)
      if (check) found.push(check)
      return undefined
    })
  }
  return found
}

function checkOf(
  program: Program,
  file: File,
  fn: Func,
  branch: Node & { kind: "if" },
): Check | null {
  for (const asked of askedIn(file, branch)) {
    const collection = aliased(program, file, asked.collection)
    if (!REMEMBERS.test(lastOf(collection)) && !isKeyOfRequest(program, file, asked.key)) continue
    if (!isIdentity(asked.key)) continue
    const state = stateOf(program, file, collection)
    if (!state) continue
    const added =
      asked.adds ??
      addedAfter(program, file, fn, state, asked.key) ??
      addedBeside(program, file, fn, state)
    if (!added || !(leaves(branch.then.body, "round") || isWhole(branch, added))) continue
    return { at: branch.test, collection, key: asked.key, state, added }
  }
  return null
}

/** `if (!seen.has(id)) { seen.add(id); … }` */
function isWhole(branch: Node & { kind: "if" }, added: Node): boolean {
  return branch.then.start <= added.start && added.end <= branch.then.end
}

interface Asked {
  readonly collection: Node
  readonly key: Node
  /** Where asking adds at once: `if (!processed.add(id)) return`. */
  readonly adds: Node | null
}

function askedIn(file: File, branch: Node & { kind: "if" }): Asked[] {
  const found: Asked[] = []
  const look = (root: Node): void =>
    walk(root, (node) => {
      if (node.kind === "binary" && /^(?:in|not in|!in)$/.test(node.op))
        found.push({ collection: node.right, key: node.left, adds: null })
      if (node.kind === "index" && isPlain(node.object))
        found.push({ collection: node.object, key: node.index, adds: null })
      if (node.kind === "call") {
        const collection = receiverOf(node)
        const [key] = node.args
        if (collection && key && HAS.test(node.name)) found.push({ collection, key, adds: null })
        if (collection && key && /^(?:add|putIfAbsent|LoadOrStore|addIfAbsent)$/.test(node.name))
          found.push({ collection, key, adds: node })
      }
      return node.kind !== "lambda"
    })
  look(branch.test)
  if (branch.init) look(branch.init)
  // Go: `_, ok := seen[id]` on the line before.
  const block = file.parentOf(branch)
  const before = block?.kind === "block" ? block.body[block.body.indexOf(branch) - 1] : undefined
  if (
    before?.kind === "assign" &&
    before.value &&
    before.targets.some((one) => file.textOf(branch.test).includes(dotted(one) || "\0"))
  )
    look(before.value)
  return found
}

function isPlain(node: Node): boolean {
  return node.kind === "name" || node.kind === "member"
}

function addedAfter(program: Program, file: File, fn: Func, state: State, key: Node): Node | null {
  return addedWith(program, file, fn, state, file.textOf(key))
}

function addedWith(
  program: Program,
  file: File,
  fn: Func,
  state: State,
  wanted: string,
): Node | null {
  const isIt = (node: Node): boolean =>
    stateOf(program, file, aliased(program, file, node))?.key === state.key
  let found: Node | null = null
  walk(fn, (node) => {
    if (found) return false
    if (
      node.kind === "call" &&
      ADD.test(node.name) &&
      node.args[0] &&
      file.textOf(node.args[0]) === wanted
    ) {
      const collection = receiverOf(node)
      if (collection && isIt(collection)) found = node
    }
    if (node.kind === "assign") {
      const [target] = node.targets
      if (target?.kind === "index" && file.textOf(target.index) === wanted && isIt(target.object))
        found = node
    }
    return undefined
  })
  return found
}

/** `store = self._seen_events`: what a local name stands for. */
function aliased(program: Program, file: File, node: Node): Node {
  if (node.kind !== "name") return node
  const [only, ...others] = definitionsOf(program, file, node)
  return only?.value?.kind === "member" && only.file === file && others.length === 0
    ? only.value
    : node
}

/** The key is what the caller sends along so that its repetitions are known. */
function isKeyOfRequest(program: Program, file: File, key: Node): boolean {
  const texts = (node: Node, depth: number): string[] => [
    file.textOf(node),
    ...(depth === 0
      ? []
      : namesIn(node).flatMap((name) =>
          definitionsOf(program, file, name).flatMap((one) =>
            one.value && one.file === file && !one.isParam ? texts(one.value, depth - 1) : [],
          ),
        )),
  ]
  return texts(key, 2).some((text) => /["'`]x?-?idempotency-?_?key["'`]/i.test(text))
}

function namesIn(root: Node): Node[] {
  const names: Node[] = []
  walk(root, (node) => {
    if (node.kind === "name") names.push(node)
    return node.kind !== "function"
  })
  return names
}

const CHECKS = /dup|seen|already|replay|reserve|claim|should_?process|is_?new|processed|handled/i

/** A check whose partner adds what was checked: `is_duplicate(key)`, `record(key)`. */
function addedBeside(program: Program, file: File, fn: Func, state: State): Node | null {
  const owner = file.classOf(fn)
  if (!owner || !CHECKS.test(fn.name)) return null
  for (const other of owner.methods) {
    if (other === fn) continue
    for (const { name } of other.params) {
      const added = name === "" ? null : addedWith(program, file, other, state, name)
      if (added) return added
    }
  }
  return null
}

function lastOf(node: Node): string {
  return node.kind === "name" || node.kind === "member" ? node.name.replace(/^#/, "") : ""
}

function isIdentity(key: Node): boolean {
  return key.kind === "template" || IDENTITY.test(dotted(key)) || key.kind === "index"
}

/** Callbacks that run before their call comes back: `events.forEach((event) => …)`. */
const AT_ONCE =
  /^(?:forEach|map|filter|reduce|some|every|flatMap|find|sort|each|let|also|apply|run)$/

/** A variable of the function that only callbacks see which run within the same call. */
function isOfOneCall(file: File, { at, state }: Check): boolean {
  const declared = /:(\d+):[^:]*$/.exec(state.key)?.[1]
  if (state.owner !== null || declared === undefined) return false
  for (const outer of file.ancestorsOf(at)) {
    if (outer.kind !== "function") continue
    if (String(outer.start) === declared) return true
    const holder = file.parentOf(outer)
    const call = holder?.kind === "lambda" ? file.parentOf(holder) : holder
    if (call?.kind !== "call" || !AT_ONCE.test(call.name)) return false
  }
  return false
}

/** Whether the collection outlives the call, and is one of the language's own. */
function isLasting(program: Program, file: File, check: Check): boolean {
  if (isOfOneCall(file, check)) return false
  if (
    /lru|ttl|cache|redis|store/i.test(dotted(check.collection)) &&
    !REMEMBERS.test(lastOf(check.collection)) &&
    !isKeyOfRequest(program, file, check.key)
  )
    return false
  const made = [
    ...definitionsOf(program, file, check.collection).flatMap((one) => one.value ?? []),
    ...fieldValues(file, check.state),
  ]
  if (made.length === 0)
    return file.language === "go" || file.language === "java" || file.language === "kotlin"
  return made.some(isCollection)
}

/** A set in front of a store saves a question; the store decides. */
function asksShared(file: File, fn: Func, own: Node): boolean {
  // A map that is called `cache` is no shared one.
  const text = file.textOf(fn.body ?? fn).replaceAll(dotted(own) || "\0", "")
  return SHARED.test(text)
}

function draftOf(program: Program, file: File, fn: Func, check: Check): Draft {
  const fleet = program.evidence.fleet(file.path)
  const repeats = repeaterOf(program, file, fn, check)
  const shown = dotted(check.collection)
  return {
    at: check.at,
    tier: repeats || (fleet && speaksOfMessages(file, fn, check)) ? "likely" : "context",
    severity: fleet && repeats ? "high" : "medium",
    message: `\`${shown}\` remembers what was processed in this process alone: a repetition after a restart, or in another instance, is processed again`,
    because: [
      { text: "asked here", at: check.at },
      { text: "filled here", at: check.added },
      ...(repeats ? [{ text: repeats }] : []),
      ...(fleet
        ? [{ text: `several instances run: ${fleet.path}:${fleet.line} ${fleet.text}` }]
        : []),
    ],
    checked: [
      "no store that all instances share is asked in this function",
      "the collection outlives the call",
    ],
  }
}

function ofRememberer(program: Program, file: File, one: Rememberer): Draft {
  const { asker } = one
  const draft = draftOf(program, file, one.fn, { ...one, key: one.at })
  return {
    ...draft,
    tier: asker || isNamedForRepetitions(file, one.fn) ? "likely" : draft.tier,
    because: [
      ...draft.because!,
      ...(asker ? [{ text: "decides here whether to work", at: asker.at, file: asker.file }] : []),
    ],
  }
}

/** Why repetitions reach other processes; null where nothing says that they do. */
function repeaterOf(program: Program, file: File, fn: Func, check: Check): string | null {
  const isIn = (body: Node): boolean => body.start <= check.at.start && check.at.end <= body.end
  for (const consumer of consumersOf(program, file)) {
    if (consumer.file === file && (consumer.fn === fn || isIn(consumer.body)))
      return "messages of a broker come again to any instance of the group"
    if (callsWithin(file, consumer.body, fn))
      return "called for messages of a broker, which come again to any instance"
  }
  for (const outer of [check.at, ...file.ancestorsOf(check.at)]) {
    if (outer.kind === "function" && isRequestHandler(file, outer))
      return "requests that are repeated go to any instance"
  }
  return isWebhookName(fn.name) ? "webhooks are sent again until they are answered" : null
}

function speaksOfMessages(file: File, fn: Func, { state }: Check): boolean {
  const words = wordsOf(
    `${state.name} ${fn.name} ${file.classOf(fn)?.name ?? ""} ${fn.receiver?.type ?? ""} ${file.path.split("/").at(-1) ?? ""}`,
  )
  // What comes over a connection of this object's own comes again to it alone.
  if (/websocket|\bws\.|EventSource|socket\.(?:recv|on)\b/i.test(file.textOf(fn))) return false
  // A bus within the process forgets together with those it serves.
  if (words.some((word) => /^(?:bus|emitter|dispatcher|memory|inmemory)$/.test(word))) return false
  return words.some((word) =>
    /^(?:messages?|events?|consumers?|webhooks?|hooks?|jobs?|deliver|payments?|notifications?|subscribers?|listeners?)$/.test(
      word,
    ),
  )
}
