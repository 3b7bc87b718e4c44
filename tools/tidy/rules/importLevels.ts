import { isBuiltin } from "node:module"
import {
  ANALYSIS,
  analysisLevels,
  levels,
  REVIEW,
  reviewLevels,
  reviewRoomPackages,
  reviewRoomsTestsSee,
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
  if (from.folder === REVIEW) {
    const room = roomOf(target, REVIEW)
    if (file.isTestCode && reviewRoomsTestsSee.includes(room)) return undefined
    if (file.path.startsWith(ANALYSIS) && target.startsWith(ANALYSIS)) {
      return levelComplaint(analysisLevels, roomOf(file.path, ANALYSIS), roomOf(target, ANALYSIS))
    }
    return levelComplaint(reviewLevels, roomOf(file.path, REVIEW), room)
  }
  if (from.folder !== RUNTIME) return undefined
  return roomComplaint(file, roomOf(file.path, RUNTIME), roomOf(target, RUNTIME))
}

function packageComplaint(file: SourceFile, specifier: string): string | undefined {
  if (isBuiltin(specifier)) return undefined
  const territory = territoryOf(file.path)
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")
  if (territory.packages.includes(name)) return undefined
  if (roomPackagesOf(territory, file.path).includes(name)) return undefined
  if (file.isTestCode && testPackages.includes(name)) return undefined
  if (name === "drover" || name.startsWith("@drover/")) {
    return `${nameOf(territory)} may not see ${name}`
  }
  if (territory.foreign) return undefined
  return `${nameOf(territory)} has no dependencies, but imports ${name}`
}

function roomPackagesOf({ folder }: Territory, path: string): readonly string[] {
  if (folder === RUNTIME) return roomPackages[roomOf(path, RUNTIME)] ?? []
  return folder === REVIEW ? (reviewRoomPackages[roomOf(path, REVIEW)] ?? []) : []
}

function roomComplaint(file: SourceFile, from: string, to: string): string | undefined {
  if (from !== "" && from !== to && to !== "") {
    if (file.isTestCode && roomsTestsSee.includes(to)) return undefined
    if (storeRooms.includes(from)) {
      return roomsAStoreSees.includes(to) ? undefined : `store ${from} may not see ${to}`
    }
    if (storeRooms.includes(to)) {
      return roomsThatSeeStores.includes(from)
        ? undefined
        : `room ${from} may not see the store ${to}, only the contract in store`
    }
  }
  return levelComplaint(levels, from, to)
}

function levelComplaint(
  table: readonly (readonly string[])[],
  from: string,
  to: string,
): string | undefined {
  if (from === to || from === "") return undefined
  if (to === "") return `room ${from} imports the package's front, which stands above every room`
  const fromLevel = table.findIndex((rooms) => rooms.includes(from))
  const toLevel = table.findIndex((rooms) => rooms.includes(to))
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

/** The room of a file below `folder`; "" for the files beside the rooms, such as index.ts. */
function roomOf(path: string, folder: string): string {
  const [room = "", ...rest] = path.slice(folder.length).split("/")
  return rest.length === 0 ? "" : room
}
