import { readFileSync } from "node:fs"

// The same path from src/cli and from dist/cli.
const manifest = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { readonly version: string }

/** The version of this package. */
export const version: string = manifest.version
