/** How far cancel-cause-masked sees. */
import type { Reach } from "../rule.ts"

export const cancelCauseMaskedReach: Reach = {
  sees: [
    "In Go `case <-ctx.Done()` and `if ctx.Err() != nil` of a context that is a parameter, in a branch that ends by returning `errors.New`, `fmt.Errorf` without `%w`, or an error variable named after a timeout or a failure.",
    "In TypeScript `if (signal.aborted)` and a listener of `abort`, where a new error is thrown or rejected with.",
    "In Python coroutines `except CancelledError`, `except BaseException` and a bare `except` (also trio's and anyio's `Cancelled`): replaced, swallowed in a loop, tried again, or counted as one failure among others.",
    "In Java an InterruptedException that is replaced without its cause, swallowed in a loop, or forgotten after `join` or `awaitTermination`.",
    "In Kotlin a CancellationException, or a catch of Exception, Throwable, RuntimeException or IllegalStateException around what suspends: replaced, swallowed in a loop, or wrapped into a result or an exception; and `runCatching` around it, once a file.",
  ],
  misses: [
    "Contexts of Go that are fields, and those that the function makes or changes itself.",
    "Python before 3.8, where `except Exception` takes a cancellation as well.",
    "What a function that is called makes of the exception.",
    "Reactive streams that are disposed of, and futures that are cancelled.",
  ],
}
