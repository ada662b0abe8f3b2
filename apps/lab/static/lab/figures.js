/**
 * From what a lane recorded to what it cost. Pure.
 *
 * @typedef {object} DoorTally  the server's account of one door, see apps/lab/tally.py
 * @property {number} requests
 * @property {number} up_bytes
 * @property {number} down_bytes
 * @property {number} open
 *
 * @typedef {object} LaneFigures
 * @property {string} name
 * @property {number} events
 * @property {number} missing  of the run's events
 * @property {number} outOfOrder
 * @property {number} duplicates  that arrived, and were dropped
 * @property {number} repairs  holes that were found and read again
 * @property {number} reconnects
 * @property {number} requests
 * @property {number | null} p50Ms
 * @property {number | null} p99Ms
 * @property {number | null} longestMs
 * @property {number | null} downBytes  all of it, by the server's account
 * @property {number | null} upBytes
 * @property {number} bodyBytes  bodies and frames alone, counted here
 * @property {number} talliedEvents  that were here when the server gave its account: by the second, it lags behind
 * @property {number} eventBytes  these events themselves
 * @property {number | null} bytesPerEvent  both ways, of these
 */

/** Upper ends of the histogram's bars, in milliseconds; what is longer has a bar of its own. */
export const LATENCY_BOUNDS_MS = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/**
 * Return the value that `share` of all values don't exceed (nearest rank), or null where there are none.
 *
 * @param {number[]} sorted  ascending
 * @param {number} share  above 0, up to 1
 */
export function percentile(sorted, share) {
  return sorted.length === 0 ? null : sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/**
 * Count values by LATENCY_BOUNDS_MS.
 *
 * @param {number[]} valuesMs
 * @returns {number[]} one more than there are bounds
 */
export function histogram(valuesMs) {
  const counts = new Array(LATENCY_BOUNDS_MS.length + 1).fill(0);
  for (const value of valuesMs) {
    const place = LATENCY_BOUNDS_MS.findIndex((bound) => value <= bound);
    counts[place === -1 ? LATENCY_BOUNDS_MS.length : place] += 1;
  }
  return counts;
}

/**
 * Return how long each event took from append to arrival, in the order of arrival.
 *
 * @param {{appendedMs: number, arrivedMs: number}[]} arrivals  `appendedMs` by the server's clock
 * @param {number} offsetMs  the server's clock minus ours
 */
export function latencies(arrivals, offsetMs) {
  // The two clocks are known to within half a round trip: what seems to arrive before it was sent arrived at once.
  return arrivals.map(({ appendedMs, arrivedMs }) => Math.max(0, arrivedMs + offsetMs - appendedMs));
}

/**
 * @param {import("./lane.js").Lane} lane
 * @param {number} offsetMs
 * @param {number} head  the seq of the run's last event
 * @param {DoorTally | undefined} tally
 * @returns {LaneFigures}
 */
export function figuresOf(lane, offsetMs, head, tally) {
  const sorted = latencies(lane.arrivals, offsetMs).sort((a, b) => a - b);
  const { events, duplicates, repairs, reconnects } = lane.counts;
  const { events: talliedEvents, eventBytes } = lane.tallied;
  const [downBytes, upBytes] = tally ? [tally.down_bytes, tally.up_bytes] : [null, null];
  return {
    name: lane.name,
    events,
    missing: Math.max(0, head - events),
    outOfOrder: lane.arrivals.filter(({ seq }, place, all) => place > 0 && seq !== all[place - 1].seq + 1).length,
    duplicates,
    repairs,
    reconnects,
    requests: lane.traffic.requests,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    longestMs: sorted.at(-1) ?? null,
    downBytes,
    upBytes,
    bodyBytes: lane.traffic.bytesDown,
    talliedEvents,
    eventBytes,
    bytesPerEvent: tally && talliedEvents > 0 ? (tally.down_bytes + tally.up_bytes) / talliedEvents : null,
  };
}
