import { DroverError, show } from "../../errors/index.ts"
import { encodePayload } from "../../store/index.ts"

const MAX_METADATA_BYTES = 16_384

/** Encodes metadata, at most 16 KiB. @throws DroverError `DROVER_CONFIG` or `DROVER_PAYLOAD_…`. */
export function encodeMetadata(metadata: unknown): string {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    throw new DroverError("DROVER_CONFIG", `metadata: must be an object, not ${show(metadata)}`)
  }
  return encodePayload(metadata, "metadata", MAX_METADATA_BYTES)
}
