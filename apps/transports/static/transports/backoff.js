/**
 * How long to wait before the next attempt: full jitter under a ceiling that doubles.
 *
 * A server that restarts loses all its clients in the same moment. Waits that merely double bring them back in the
 * same moment too; a wait drawn evenly from nought to the ceiling spreads them over all of it.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */

const DEFAULT_RETRY_MS = 2_000; // until the server's `ready` names its own
const CAP_MS = 30_000; // a person who watches the page gives up not much later

export class Backoff {
  #random;
  #retryMs = DEFAULT_RETRY_MS;
  #failures = 0;

  /** @param {() => number} random  from 0 (inclusive) to 1 (exclusive) */
  constructor(random) {
    this.#random = random;
  }

  /** The longest that the next wait can be, in milliseconds. */
  get ceilingMs() {
    return Math.min(CAP_MS, this.#retryMs * 2 ** this.#failures);
  }

  /**
   * Draw the wait before the next attempt, in milliseconds, and raise the ceiling of the one after.
   *
   * @returns {number} from 0 (inclusive) to `ceilingMs` (exclusive)
   */
  nextMs() {
    const waitMs = this.#random() * this.ceilingMs;
    this.#failures += 1;
    return waitMs;
  }

  /**
   * Take the server's hint as the first ceiling from now on.
   *
   * @param {number | null | undefined} retryMs  milliseconds; ignored unless above 0
   */
  hint(retryMs) {
    if (retryMs && retryMs > 0) this.#retryMs = retryMs;
  }

  /** Forget the failures: the next ceiling is the first one again. */
  reset() {
    this.#failures = 0;
  }
}
