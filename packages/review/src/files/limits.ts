/** How much of a repository is read. What lies beyond is passed over with a notice: a hostile one has no last file. */

/** Larger files are passed over; no file that a person wrote is as large. */
export const MAX_FILE_BYTES: number = 1024 * 1024
export const MAX_TOTAL_BYTES: number = 200 * 1024 * 1024
/** Files that are wanted, counted over the whole tree. */
export const MAX_FILES = 100_000
/** Names of any kind that a walk looks at. */
export const MAX_ENTRIES = 1_000_000
/** Folders below folders. */
export const MAX_FOLDER_DEPTH = 64
/** Notices of one kind before the rest is only counted. */
export const MAX_NOTICES_OF_A_KIND = 10
