/**
 * What says that several instances of a program run at once, beside a number of replicas: worker processes, a scaling
 * service, sessions and sockets that instances share, locks that are taken over instances elsewhere in the program.
 */
import type { Program } from "./program.ts"
import type { Witness } from "./evidence.ts"

/** Worker processes, scaling and clusters, as configuration writes them. */
const SCALED =
  /\b(?:gunicorn|uvicorn|hypercorn)\b[^\n]{0,120}?(?:-w|--workers)[ =,"']{1,4}(?:[2-9]|\d{2,})\b|\bWEB_CONCURRENCY["']?\s{0,3}[:=]\s{0,3}["']?(?:[2-9]|\d{2,})\b|\bpm2\b[^\n]{0,80}?\s-i\s{1,3}(?:max|[02-9])|\binstances["']?\s{0,3}:\s{0,3}["']?(?:max|[2-9])\b|\b(?:replica_?count|num_?replicas|max_?capacity|max_?scale|min_?machines_?running|desired_?capacity)["']?\s{0,3}[:=]\s{0,3}["']?(?:[2-9]|\d{2,})\b|\bautoscaling:\s{1,20}enabled:\s{0,3}true/i

/** Documents that say it in words. */
const SAID =
  /\bhorizontal(?:ly)?[ -](?:scal|pod)|\b(?:across|multiple|several|all|every|many) (?:\w+ )?(?:replicas|pods)\b|\bmulti-?(?:replica|instance|pod|node) (?:deploy|setup|environment|mode)/i

/** Code that only makes sense where several run: locks over instances, elections, sockets and sessions in a store. */
const COORDINATED =
  /@SchedulerLock|EnableSchedulerLock|LockProvider\b|\bRedlock\b|\bredsync\b|\bRedissonClient\b|\bRLock\b(?=\s+\w+\s*=\s*redis)|socket\.io[/-]redis|redis-adapter|pg_(?:try_)?advisory_(?:xact_)?lock|\bskip[ _]?locked\b|tools\/leaderelection|concurrency\.NewElection|LeaderLatch|LeaderSelector|\bnx\s{0,2}=\s{0,2}True\b|["']NX["']|\bNX\s{0,2}:\s{0,2}true\b|\bsetnx\(|\.SetNX\(|\.setIfAbsent\(|cluster\.fork\(/i

/** A number that says that one runs. */
const SINGLE =
  /\b(?:replicas|replica_?count|instances)["']?\s{0,3}[:=]\s{0,3}["']?1\b|--workers[ =]["']?1\b/i

/** How a server is brought to where it runs; a new version starts before the old one has ended. */
const DEPLOYED = /^FROM\s+\S|kind:\s*(?:Deployment|StatefulSet)\b|^web:\s*\S/m

/** Where something says that several instances run; null where nothing does. */
export function instancesOf(program: Program, path: string): Witness | null {
  const { evidence } = program
  return (
    evidence.fleet(path) ??
    evidence.find(path, SCALED, "texts", "scaled") ??
    evidence.find(path, COORDINATED, "sources", "coordinated", "module") ??
    evidence.find(path, SAID, "texts", "said to scale")
  )
}

/** Where it is said how the program is deployed, unless one instance is asked for. */
export function deploymentOf(program: Program, path: string): Witness | null {
  const { evidence } = program
  if (evidence.find(path, SINGLE, "texts", "single")) return null
  return evidence.find(path, DEPLOYED, "texts", "deployed")
}
