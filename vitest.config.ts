import { defineConfig, type ViteUserConfig } from "vitest/config"

const config: ViteUserConfig = defineConfig({
  // Tests import workspace packages by their published names and get their sources.
  ssr: { resolve: { conditions: ["@drover/source", "module", "node", "development|production"] } },
  test: {
    include: ["{packages,sim,nemesis,bench,examples,tools}/**/*.test.ts"],
    exclude: [
      "**/node_modules/**",
      "**/dist/**",
      "tools/tidy/fixtures/**",
      "packages/review/fixtures/**",
    ],
    environment: "node",
    // One Postgres for the whole run, started when the first test asks for it.
    globalSetup: ["packages/drover/src/postgres/fixtures/sharedServer.ts"],
    // Processes, not threads: tests send real signals, and node:sqlite holds real file locks.
    pool: "forks",
    execArgv: ["--conditions=@drover/source"],
    restoreMocks: true,
    // For tests of real processes on a busy machine; what is awaited has deadlines of its own.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})

export default config
