/** A configuration made ready to be asked for every file and finding. */
import type { Config, RuleSetting } from "./config.ts"
import { compileGlobs, type PathMatcher } from "./glob.ts"

export interface Settings {
  readonly config: Config
  /** Whether a path is not to be reviewed. */
  readonly isExcluded: PathMatcher
  /** Folders that are services of their own. */
  readonly services: { readonly patterns: readonly string[]; readonly has: PathMatcher }
  readonly overrides: readonly {
    readonly matches: PathMatcher
    readonly rules: Readonly<Record<string, RuleSetting>>
  }[]
}

/** Compiles the patterns of a configuration, once for a review. */
export function settingsOf(config: Config): Settings {
  return {
    config,
    isExcluded: compileGlobs(config.exclude),
    services: { patterns: config.services, has: compileGlobs(config.services) },
    overrides: config.overrides.map(({ paths, rules }) => ({
      matches: compileGlobs(paths),
      rules,
    })),
  }
}

/** How a rule is heard in a file: the rule's own setting, and over it what the overrides of this path say. */
export function settingOf(settings: Settings, rule: string, path: string): RuleSetting {
  let setting = own(settings.config.rules, rule)
  for (const override of settings.overrides) {
    const over = own(override.rules, rule)
    if (over === undefined || !override.matches(path)) continue
    setting = { ...setting, ...over }
  }
  return setting ?? {}
}

function own(rules: Readonly<Record<string, RuleSetting>>, rule: string): RuleSetting | undefined {
  return Object.hasOwn(rules, rule) ? rules[rule] : undefined
}
