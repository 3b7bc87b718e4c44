import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import type { Sample } from "../history/runHistory.ts"

/**
 * What a process of this machine holds now; `null` when it has gone.
 * @param carried sockets that it holds for others, which are not counted.
 */
export function sampleProcess(
  of: string,
  pid: number,
  when: Sample["when"],
  carried = 0,
): Sample | null {
  try {
    const folder = `/proc/${pid}/fd`
    const places = readdirSync(folder).map((fd) => linkOf(`${folder}/${fd}`))
    const status = readFileSync(`/proc/${pid}/status`, "latin1")
    const rssKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0)
    const counts = {
      fds: places.length - carried,
      sockets: places.filter((place) => place.startsWith("socket:")).length - carried,
      rssMb: Math.round(rssKb / 1_024),
    }
    return { of, when, counts }
  } catch {
    return null
  }
}

/** The one that read the list is closed by now. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ""
  }
}
