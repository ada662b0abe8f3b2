/**
 * Notice a connection that is open and silent.
 *
 * A phone that changed networks, or a proxy that forgot the connection, tells neither side: the socket stays open and
 * nothing comes. The server breaks every silence with a heartbeat, so silence for 2.5 of them means a dead connection
 * (one may be late, and one more lost in a reconnect further down).
 */

/** @import {Environment} from "./environment.js" */

const HEARTBEATS = 2.5;

export class Watchdog {
  #environment;
  #onSilence;
  #limitMs = 0;
  #heardAt = 0;
  /** @type {unknown} */
  #timer = null;

  /**
   * @param {Environment} environment
   * @param {(silence: {silentMs: number, limitMs: number}) => void} onSilence  called once, when stopped
   */
  constructor(environment, onSilence) {
    this.#environment = environment;
    this.#onSilence = onSilence;
  }

  /**
   * Expect something within `limitMs`, counted from now.
   *
   * @param {number} limitMs  more than 0
   */
  startWithin(limitMs) {
    this.stop();
    this.#limitMs = limitMs;
    this.feed();
    this.#sleep(limitMs);
  }

  /**
   * Expect something every `heartbeatMs`, give or take.
   *
   * @param {number} heartbeatMs  more than 0
   */
  start(heartbeatMs) {
    this.startWithin(HEARTBEATS * heartbeatMs);
  }

  /** Something was heard. */
  feed() {
    this.#heardAt = this.#environment.now();
  }

  /** Whether the silence is already too long; after a sleep the timer that would tell may be far off. */
  get isOverdue() {
    return this.#timer !== null && this.#silentMs >= this.#limitMs;
  }

  stop() {
    this.#environment.clearTimeout(this.#timer);
    this.#timer = null;
  }

  get #silentMs() {
    return this.#environment.now() - this.#heardAt;
  }

  /** @param {number} delayMs */
  #sleep(delayMs) {
    // A timer that looks and goes back to sleep, instead of a new one for every event heard.
    this.#timer = this.#environment.setTimeout(() => {
      const silentMs = this.#silentMs;
      if (silentMs < this.#limitMs) {
        this.#sleep(this.#limitMs - silentMs);
        return;
      }
      this.stop();
      this.#onSilence({ silentMs, limitMs: this.#limitMs });
    }, delayMs);
  }
}
