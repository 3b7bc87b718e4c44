import { DroverError } from "../errors/index.ts"
import type { Store } from "../store/index.ts"
import { SelfWait } from "./selfWait.ts"

/**
 * Opens the store on first use, once for all callers. A failed open is told to everybody who waits for
 * it, and the next use tries again: a client that was made before its database was ready recovers.
 */
export class StoreGate {
  readonly selfWait: SelfWait = new SelfWait()
  readonly #connect: () => Store
  readonly #migrate: boolean | null
  #store: Store | null = null
  #opening: Promise<Store> | null = null
  #closing: Promise<void> | null = null

  /** @param migrate `null` leaves it to the kind of database. */
  constructor(connect: () => Store, migrate: boolean | null) {
    this.#connect = connect
    this.#migrate = migrate
  }

  /** The store if it is open, else `null`: hot paths ask first and save a turn. */
  get opened(): Store | null {
    return this.#store
  }

  /** The open store. @throws DroverError `DROVER_CLOSED`, or what the open failed with. */
  open(): Promise<Store> {
    if (this.#closing !== null) return Promise.reject(closedError())
    this.#opening ??= this.#start()
    return this.#opening
  }

  /** The open store, to write to it. @throws like `open`, and DroverError `DROVER_TRANSACTION`; see `SelfWait`. */
  async openToWrite(operation: string): Promise<Store> {
    this.selfWait.refuse(operation)
    return this.open()
  }

  /** Closes the store, also while it opens. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #start(): Promise<Store> {
    try {
      const store = this.#connect()
      await store.open({ migrate: this.#migrate ?? store.dialect === "sqlite" })
      this.#store = store
      return store
    } catch (error) {
      this.#opening = null
      throw error
    }
  }

  async #end(): Promise<void> {
    const store = await this.#opening?.catch(() => null)
    this.#store = null
    await store?.close()
  }
}

/** What every use of a closed client is refused with. */
export function closedError(): DroverError {
  return new DroverError("DROVER_CLOSED", "This Drover client was closed; make a new one")
}
