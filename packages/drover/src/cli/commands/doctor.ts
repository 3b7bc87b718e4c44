import type { HealthCheck } from "../../store/index.ts"
import type { Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { plainJson, plainText } from "../plainText.ts"
import { exitCodes } from "../terminal.ts"

/** `drover doctor`: the health of the database. Exits with 1 when a check fails, not for warnings. */
export const doctor: Command = {
  name: "doctor",
  summary: "check the health of the database",
  usage: ["doctor"],
  options: {},
  async run(call) {
    if (call.positionals.length > 0) throw new UsageError("doctor takes no arguments")
    const checks = await (await call.drover()).doctor()
    for (const check of checks) call.terminal.out(call.json ? plainJson(check) : line(check))
    return checks.some(({ status }) => status === "fail") ? exitCodes.failed : exitCodes.ok
  },
}

function line({ check, status, message }: HealthCheck): string {
  return `${status.padEnd(4)}  ${check.padEnd(18)}  ${plainText(message)}`
}
