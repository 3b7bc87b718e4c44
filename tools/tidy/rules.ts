import type { Rule } from "./rule.ts"
import { bannedGlobals } from "./rules/bannedGlobals.ts"
import { builtUrls } from "./rules/builtUrls.ts"
import { deadLinks } from "./rules/deadLinks.ts"
import { fileNames } from "./rules/fileNames.ts"
import { importCircles } from "./rules/importCircles.ts"
import { importLevels } from "./rules/importLevels.ts"
import { leftovers } from "./rules/leftovers.ts"
import { machinePaths } from "./rules/machinePaths.ts"
import { queryParity } from "./rules/queryParity.ts"
import { fileSize, functionSize } from "./rules/sizes.ts"
import { sleepsInTests } from "./rules/sleepsInTests.ts"
import { sqlOutsideStores } from "./rules/sqlOutsideStores.ts"

/** Every rule of this repository. Each has a page in fixtures/ that breaks it and one that keeps it. */
export const rules: readonly Rule[] = [
  importLevels,
  importCircles,
  bannedGlobals,
  sleepsInTests,
  fileSize,
  functionSize,
  fileNames,
  sqlOutsideStores,
  queryParity,
  builtUrls,
  leftovers,
  deadLinks,
  machinePaths,
]
