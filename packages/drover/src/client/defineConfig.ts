import type { DroverOptions } from "./droverOptions.ts"

/**
 * Types what `drover.config.ts` exports by default, which is what the `drover` command works with:
 * `export default defineConfig({ store: sqlite("app.db"), jobs: [resize] })`.
 */
export function defineConfig(options: DroverOptions): DroverOptions {
  return options
}
