import { help, readArguments } from "./cli/arguments.ts"
import { installMutant } from "./mutants/install.ts"
import { mutants } from "./mutants/mutants.ts"

/*
 * `npm run sim`. A mutant must be planted before the runtime is loaded, so everything that imports the
 * runtime is imported after that.
 */

try {
  const given = readArguments(process.argv.slice(2))
  if (given.help) process.stdout.write(help)
  else if (given.mutant === undefined) {
    const { runCommand } = await import("./cli/command.ts")
    process.exitCode = await runCommand(given)
  } else {
    const mutant = mutants.find(({ name }) => name === given.mutant)
    if (mutant === undefined) {
      throw new Error(
        `no mutant is named "${given.mutant}"; there are ${mutants.map(({ name }) => name).join(", ")}`,
      )
    }
    const checkLoaded = installMutant(mutant)
    const { runMutantCommand } = await import("./cli/command.ts")
    checkLoaded()
    process.exitCode = await runMutantCommand(mutant, given)
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
