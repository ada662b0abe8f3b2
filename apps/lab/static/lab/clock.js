/**
 * The server's clock, as seen from here.
 *
 * An event carries the time of its append by the server's clock; its arrival has a time by ours. To subtract one from
 * the other we ask the server for its time and take the middle of the round trip, as NTP does (RFC 5905, section 8): of
 * several round trips the quickest errs least, and by no more than half of itself.
 *
 * @typedef {object} ClockSample
 * @property {number} sentMs  by our clock
 * @property {number} receivedMs  by our clock
 * @property {number} serverMs  by the server's
 *
 * @typedef {object} ClockOffset
 * @property {number} offsetMs  the server's clock minus ours
 * @property {number} errorMs  by how much that may be wrong, either way
 */

/** Our clock: milliseconds since 1970, never going back, finer than `Date.now()`. */
export function nowMs() {
  return performance.timeOrigin + performance.now();
}

/**
 * Estimate the offset of the server's clock.
 *
 * @param {ClockSample[]} samples
 * @returns {ClockOffset}
 * @throws {RangeError} no samples
 */
export function offsetFrom(samples) {
  if (samples.length === 0) throw new RangeError("no samples were given; ask the server for its time at least once");
  const tripMs = (/** @type {ClockSample} */ { sentMs, receivedMs }) => receivedMs - sentMs;
  const best = samples.reduce((a, b) => (tripMs(b) < tripMs(a) ? b : a));
  return { offsetMs: best.serverMs - (best.sentMs + best.receivedMs) / 2, errorMs: tripMs(best) / 2 };
}
