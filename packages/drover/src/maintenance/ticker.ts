import { scheduleTicker } from "../schedules/index.ts"
import type { MaintenanceService } from "./maintenanceService.ts"

/** Fires schedules; see the room of that name. */
export const ticker: MaintenanceService = {
  name: "ticker",
  make: (context) => scheduleTicker(context),
}
