/** A clock that stands still until it is told to go on, and chance that repeats itself. */

/** @typedef {{dueAt: number, callback: () => void}} Timer */

export class FakeClock {
  #nowMs = 1_000_000;
  /** @type {Set<Timer>} */
  #timers = new Set();

  now = () => this.#nowMs;

  /** @type {(callback: () => void, delayMs: number) => Timer} */
  setTimeout = (callback, delayMs) => {
    const timer = { dueAt: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return timer;
  };

  /** @type {(timer: Timer) => void} */
  clearTimeout = (timer) => {
    this.#timers.delete(timer);
  };

  /** How long until the next timer, in milliseconds; undefined where there is none. */
  get nextTimerMs() {
    const next = this.#next();
    return next && next.dueAt - this.#nowMs;
  }

  /**
   * Let time pass, and run each timer at its own time.
   *
   * @param {number} ms
   */
  advance(ms) {
    const end = this.#nowMs + ms;
    for (let timer = this.#next(); timer && timer.dueAt <= end; timer = this.#next()) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.dueAt);
      timer.callback();
    }
    this.#nowMs = end;
  }

  /**
   * Let time pass as for a computer that sleeps: no timer runs until it wakes, and then those that are due do.
   *
   * @param {number} ms
   */
  sleep(ms) {
    this.#nowMs += ms;
  }

  #next() {
    return [...this.#timers].sort((a, b) => a.dueAt - b.dueAt)[0];
  }
}

/**
 * Return a source of numbers from 0 (inclusive) to 1 (exclusive) that gives the same ones for the same seed.
 *
 * A linear congruential generator with the constants of Numerical Recipes: even enough for tests.
 *
 * @param {number} seed
 */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
