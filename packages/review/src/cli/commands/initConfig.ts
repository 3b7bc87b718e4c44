import { SCHEMA_ID } from "../../config/schema.ts"
import type { Rule } from "../../rules/rule.ts"

/** A configuration in which everything that can be set is a comment. */
export function configTemplate(rules: readonly Rule[]): string {
  const example = rules[0]?.id ?? "retry-without-jitter"
  return `# yaml-language-server: $schema=${SCHEMA_ID}
# Everything here is optional; what is commented out shows a form, not always the default.

# How each rule is heard: off, info, low, medium or high. Without an entry it is as the rule says.
# "drover-review rules" lists them all, "drover-review explain RULE" tells about one.
rules: {}
#  ${example}: low

# The same for some paths; later ones win. "*" stays within a name, "**" crosses folders.
# overrides:
#   - paths: ["scripts/**"]
#     rules:
#       ${example}: off

# Not reviewed; these files still count as evidence for the others.
# exclude:
#   - examples/**

# Functions of yours that the rules should know, as code calls them.
# knownJitterHelpers: [backoff.next]
# knownLocks: [withLock]
# knownRetries: [tryAgain]
# knownHandlers: [onMessage]

# Whether several processes run this code. Without it, manifests and configuration files tell.
# fleet: true

# Folders that are services of their own: evidence of one does not clear another.
# services: ["services/*"]

# The least certain tier that is shown: certain, likely, or context.
tier: likely

# The least severity that is shown, and the least that makes a review fail.
severity: info
failOn: low
`
}
