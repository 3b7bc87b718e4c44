import type { DroverEvents, EventName } from "../../packages/drover/src/events/index.ts"
import type {
  BidReply,
  BidRequest,
  PruneReply,
  TermRef,
  Turn,
} from "../../packages/drover/src/store/index.ts"
import type { Life } from "../engine/life.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

/** What one process has said of its own leadership. */
interface Standing {
  /** The term it leads in, as it was told; `null` while it follows. */
  term: number | null
  /** Renewals in this term before anything was heard of its maintenance. */
  silentRenewals: number
  maintained: boolean
  /** Of its time since it gave up, until when it lets others lead; on the machine's clock. */
  backUntilMs: number
  /** Services of the leader that run in it. */
  readonly services: Map<string, number>
}

const SERVICES = new Set(["rescuer", "expirer", "pruner", "cleaner", "sampler"])
// A try to start takes ten seconds at most, which are two or three renewals.
const MOST_SILENT_RENEWALS = 4
const FAITHFUL = new Set(["DROVER_TERM_ENDED", "DROVER_SHUTDOWN", "DROVER_TIMEOUT"])

/** One term at a time, each greater than the last; nothing of an old one is written; maintenance runs in terms, once. */
export class LeadershipChecker implements Checker {
  readonly name = "leadership"
  readonly #sometimes: Sometimes
  readonly #nowMs: () => number
  readonly #standings: Map<Life, Standing> = new Map()
  #current: TermRef | undefined

  constructor(sometimes: Sometimes, nowMs: () => number) {
    this.#sometimes = sometimes
    this.#nowMs = nowMs
  }

  /** Whether a process that lives leads with all its services at work. */
  get isMaintained(): boolean {
    for (const [life, { term, maintained }] of this.#standings) {
      if (!life.isDead && maintained && term === this.#current?.term) return true
    }
    return false
  }

  executed(call: StoreCall, reply: unknown): void {
    if (call.op === "bid") this.#onBid(call, reply as BidReply)
    else if (call.op === "resignTerm" && reply === "resigned") this.#onResigned(call)
    else if (wrote(call.op, reply)) this.#onWrite(call)
  }

  /** Renewals whose replies are lost are sent again at once: they say nothing about time. */
  delivered(call: StoreCall, reply: unknown): void {
    if (call.op === "renewTerm" && reply === "held") this.#onRenewed(call)
  }

  /** The runtime emitted an event. */
  saw<N extends EventName>(life: Life, name: N, data: DroverEvents[N]): void {
    const standing = this.#standingOf(life)
    const fields = data as unknown as Readonly<Record<string, unknown>>
    switch (name) {
      case "leader.elected":
        this.#onElected(life, standing, fields["term"] as number)
        break
      case "leader.lost":
      case "leader.resigned":
        this.#sometimes.hit(name === "leader.lost" ? "a term was lost" : "a term was given back")
        standing.term = null
        standing.maintained = false
        break
      case "leader.stood_back":
        this.#onStoodBack(life, standing, fields)
        break
      case "maintenance.started":
        standing.maintained = fields["term"] === standing.term
        standing.silentRenewals = Number.NEGATIVE_INFINITY
        break
      case "maintenance.start_failed":
        this.#sometimes.hit("maintenance could not start")
        standing.silentRenewals = Number.NEGATIVE_INFINITY
        break
      case "maintenance.stopped":
        this.#expectReason(life, "maintenance", fields["reason"])
        break
      case "service.started":
        this.#onService(life, standing, fields["service"] as string, 1)
        break
      case "service.stopped":
        this.#onStopped(life, standing, fields)
        break
      default:
    }
  }

  #onBid(call: StoreCall, reply: BidReply): void {
    if (!reply.won) return
    const [{ token }] = call.args as [BidRequest]
    const { term } = reply
    const last = this.#current
    const isSame = last?.term === term && last.token === token
    if (isSame) {
      this.#sometimes.hit("a bid was sent again and was the same term")
      return
    }
    promise(
      last === undefined || term > last.term,
      this.name,
      () => `${call.life.name} won term ${term} after term ${last?.term}`,
    )
    this.#current = { term, token }
  }

  #onResigned(call: StoreCall): void {
    const [ref] = call.args as [TermRef]
    promise(
      ref.term === this.#current?.term && ref.token === this.#current.token,
      this.name,
      () =>
        `${call.life.name} gave back term ${ref.term}, and with it ended ${this.#current?.term}`,
    )
  }

  #onRenewed({ life }: StoreCall): void {
    const standing = this.#standingOf(life)
    if (standing.term === null) return
    standing.silentRenewals++
    promise(
      standing.silentRenewals <= MOST_SILENT_RENEWALS,
      this.name,
      () => `${life.name} leads term ${standing.term} on and on, and does not even try to maintain`,
    )
  }

  #onWrite(call: StoreCall): void {
    const [{ term: ref }] = call.args as [{ readonly term: TermRef }]
    promise(
      ref.term === this.#current?.term && ref.token === this.#current.token,
      this.name,
      () => `${call.op} of term ${ref.term} changed something in term ${this.#current?.term}`,
    )
  }

  #onElected(life: Life, standing: Standing, term: number): void {
    const leftMs = standing.backUntilMs - this.#nowMs()
    promise(
      leftMs <= 1,
      this.name,
      () => `${life.name} leads again ${leftMs.toFixed(0)} ms before it said it would bid`,
    )
    Object.assign(standing, { term, silentRenewals: 0, maintained: false })
  }

  #onStoodBack(life: Life, standing: Standing, fields: Readonly<Record<string, unknown>>): void {
    this.#sometimes.hit("a client stood back")
    promise(
      fields["term"] === standing.term,
      this.name,
      () => `${life.name} gave up term ${String(fields["term"])} while it led ${standing.term}`,
    )
    // At least as long as any other needs to bid by polling alone.
    standing.backUntilMs = this.#nowMs() + Math.max(12_000, Number(fields["forMs"]) * 0.5)
  }

  #onStopped(life: Life, standing: Standing, fields: Readonly<Record<string, unknown>>): void {
    const service = fields["service"] as string
    if (!SERVICES.has(service)) return
    this.#expectReason(life, service, fields["reason"])
    // One that never ran is told as stopped, too.
    if ((standing.services.get(service) ?? 0) > 0) this.#onService(life, standing, service, -1)
  }

  #onService(life: Life, standing: Standing, service: string, change: number): void {
    if (!SERVICES.has(service)) return
    const count = (standing.services.get(service) ?? 0) + change
    standing.services.set(service, count)
    promise(count <= 1, this.name, () => `${count} ${service}s run at once in ${life.name}`)
    if (change < 0) return
    promise(
      standing.term !== null,
      this.name,
      () => `a ${service} was started in ${life.name}, which does not lead`,
    )
  }

  #expectReason(life: Life, what: string, reason: unknown): void {
    const code = (reason as { readonly code?: unknown } | undefined)?.code
    promise(
      typeof code === "string" && FAITHFUL.has(code),
      this.name,
      () => `${what} of ${life.name} was stopped because of ${String(reason)}, which says nothing`,
    )
  }

  #standingOf(life: Life): Standing {
    let standing = this.#standings.get(life)
    if (standing === undefined) {
      standing = {
        term: null,
        silentRenewals: 0,
        maintained: false,
        backUntilMs: 0,
        services: new Map(),
      }
      this.#standings.set(life, standing)
    }
    return standing
  }
}

/** Whether a write of the leader changed something. */
function wrote(op: string, reply: unknown): boolean {
  if (reply === "term_ended") return false
  switch (op) {
    case "rescue":
    case "expire":
      return (reply as readonly unknown[]).length > 0
    case "prune":
      return (reply as PruneReply).jobs > 0
    case "claimTurn":
      return (reply as Turn).due
    case "addSamples":
      return true
    default:
      return false
  }
}
