import { isBuiltin } from "node:module"
import {
  levels,
  roomPackages,
  roomsAStoreSees,
  roomsTestsSee,
  roomsThatSeeStores,
  RUNTIME,
  storeRooms,
  territories,
  testPackages,
  type Territory,
} from "../levels.ts"
import { isTestCode, type SourceFile } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"
import { importedPath } from "../sourceImports.ts"

/** Imports point down the table in levels.ts, and packages see each other only by their public names. */
export const importLevels: Rule = {
  name: "import-levels",
  mend: "Move what both need down a level, hand it in as an argument, or use the public name (tools/tidy/levels.ts).",
  check(repository) {
    return repository.typescript.flatMap((file) =>
      file.imports.flatMap(({ specifier, start }): Finding[] => {
        const message = complaint(file, specifier)
        return message === undefined ? [] : [{ path: file.path, line: file.lineAt(start), message }]
      }),
    )
  },
}

function complaint(file: SourceFile, specifier: string): string | undefined {
  const target = importedPath(file.path, specifier)
  if (target === undefined) return packageComplaint(file, specifier)
  const from = territoryOf(file.path)
  if (isTestCode(target) && !file.isTestCode && from.loadsTestCode !== true) {
    return `ships, but loads ${target}, which does not`
  }
  const to = territoryOf(target)
  if (from !== to && from.reachesInto?.includes(to.folder) === true) return undefined
  if (from !== to) return `reaches from ${nameOf(from)} into ${nameOf(to)} with a relative import`
  if (from.folder !== RUNTIME) return undefined
  return roomComplaint(file, roomOf(file.path), roomOf(target))
}

function packageComplaint(file: SourceFile, specifier: string): string | undefined {
  if (isBuiltin(specifier)) return undefined
  const territory = territoryOf(file.path)
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")
  if (territory.packages.includes(name)) return undefined
  if (territory.folder === RUNTIME && roomPackages[roomOf(file.path)]?.includes(name) === true) {
    return undefined
  }
  if (file.isTestCode && testPackages.includes(name)) return undefined
  if (name === "drover" || name.startsWith("@drover/")) {
    return `${nameOf(territory)} may not see ${name}`
  }
  if (territory.foreign) return undefined
  return `${nameOf(territory)} has no dependencies, but imports ${name}`
}

function roomComplaint(file: SourceFile, from: string, to: string): string | undefined {
  if (from === to || from === "") return undefined
  if (to === "") return `room ${from} imports the package's front, which stands above every room`
  if (file.isTestCode && roomsTestsSee.includes(to)) return undefined
  if (storeRooms.includes(from)) {
    return roomsAStoreSees.includes(to) ? undefined : `store ${from} may not see ${to}`
  }
  if (storeRooms.includes(to)) {
    return roomsThatSeeStores.includes(from)
      ? undefined
      : `room ${from} may not see the store ${to}, only the contract in store`
  }
  const fromLevel = levelOf(from)
  const toLevel = levelOf(to)
  if (fromLevel === -1 || toLevel === -1) {
    return `room ${fromLevel === -1 ? from : to} is not in the table of levels`
  }
  if (toLevel < fromLevel) return undefined
  const relation = toLevel === fromLevel ? "stands on the same level" : "stands above it"
  return `room ${from} (level ${fromLevel}) imports ${to} (level ${toLevel}), which ${relation}`
}

function territoryOf(path: string): Territory {
  const matching = territories.filter(({ folder }) => path.startsWith(folder))
  const [longest] = matching.toSorted((a, b) => b.folder.length - a.folder.length)
  if (longest === undefined) throw new Error("the root territory holds every path")
  return longest
}

function nameOf({ folder }: Territory): string {
  return folder === "" ? "the root" : folder.replace(/\/$/, "")
}

/** The room of a runtime file; "" for the files beside the rooms, such as index.ts. */
function roomOf(path: string): string {
  const [room = "", ...rest] = path.slice(RUNTIME.length).split("/")
  return rest.length === 0 ? "" : room
}

function levelOf(room: string): number {
  return levels.findIndex((rooms) => rooms.includes(room))
}
