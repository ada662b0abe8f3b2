/**
 * An experiment: what is published, how the short poll asks, and which faults come when. The page's address carries it,
 * so that a link re-runs it: `?rate=10&seconds=15&faults=cut@3,buffer@5-15`.
 *
 * @typedef {object} PlannedFault
 * @property {string} name
 * @property {number} atS  seconds after the start
 * @property {number} durationS  0 for a fault that is over at once
 *
 * @typedef {object} Experiment
 * @property {"steady" | "one" | "burst"} kind
 * @property {number} rate  events a second
 * @property {number} seconds
 * @property {number} size  bytes of an event
 * @property {number} poll  milliseconds between an answer to the short poll and its next request
 * @property {PlannedFault[]} faults
 */

/** @type {Record<"rate" | "seconds" | "size" | "poll", {least: number, most: number, usual: number}>} */
export const BOUNDS = {
  rate: { least: 1, most: 200, usual: 10 },
  seconds: { least: 1, most: 60, usual: 15 },
  size: { least: 200, most: 4096, usual: 300 },
  poll: { least: 500, most: 10_000, usual: 2_000 },
};

/** Faults, and whether they last. */
export const FAULTS = /** @type {Record<string, boolean>} */ ({
  cut: false,
  buffer: true,
  slow: true,
  sleep: true,
  restart: false,
});

const KINDS = /** @type {const} */ (["steady", "one", "burst"]);
const MOST_FAULTS = 10;
const MOST_FAULT_S = 30;
const FAULT = /^([a-z]+)@(\d{1,3})(?:-(\d{1,3}))?$/;

/** @returns {Experiment} */
export function usualExperiment() {
  const { rate, seconds, size, poll } = BOUNDS;
  return { kind: "steady", rate: rate.usual, seconds: seconds.usual, size: size.usual, poll: poll.usual, faults: [] };
}

/**
 * Bring a number into its bounds.
 *
 * @param {"rate" | "seconds" | "size" | "poll"} name
 * @param {number} value
 * @returns {number} a whole one
 */
export function bounded(name, value) {
  const { least, most, usual } = BOUNDS[name];
  return Number.isFinite(value) ? Math.round(Math.min(most, Math.max(least, value))) : usual;
}

/**
 * Read an experiment out of the query of an address.
 *
 * A link may be old, or written by hand: what can't be done is brought to the nearest that can, and named.
 *
 * @param {URLSearchParams} query
 * @returns {{experiment: Experiment, odd: string[], isGiven: boolean}} `odd`: the parts that could not be taken as they
 *   are; `isGiven`: whether the query speaks of an experiment at all
 */
export function experimentFrom(query) {
  const experiment = usualExperiment();
  const odd = [];
  const names = ["kind", "faults", ...Object.keys(BOUNDS)];
  const isGiven = names.some((name) => query.has(name));

  for (const name of /** @type {("rate" | "seconds" | "size" | "poll")[]} */ (Object.keys(BOUNDS))) {
    const text = query.get(name);
    if (text === null) continue;
    experiment[name] = bounded(name, text.trim() === "" ? NaN : Number(text));
    if (String(experiment[name]) !== text) odd.push(`${name}=${text.slice(0, 20)}`);
  }
  const kind = query.get("kind");
  if (kind !== null) {
    const known = KINDS.find((one) => one === kind);
    if (known) experiment.kind = known;
    else odd.push(`kind=${kind.slice(0, 20)}`);
  }
  for (const text of (query.get("faults") ?? "").split(",").filter((part) => part !== "")) {
    const fault = faultFrom(text);
    if (fault && experiment.faults.length < MOST_FAULTS) experiment.faults.push(fault);
    else odd.push(`faults=${text.slice(0, 20)}`);
  }
  return { experiment, odd, isGiven };
}

/** @param {string} text */
function faultFrom(text) {
  const [, name, from, to] = FAULT.exec(text) ?? [];
  if (name === undefined || !Object.hasOwn(FAULTS, name)) return null;
  const atS = Number(from);
  const durationS = FAULTS[name] ? Number(to) - atS : 0;
  if (atS > BOUNDS.seconds.most || (FAULTS[name] ? !(durationS >= 1 && durationS <= MOST_FAULT_S) : to !== undefined)) {
    return null;
  }
  return { name, atS, durationS };
}

/**
 * Write an experiment as the query of an address, without a question mark.
 *
 * @param {Experiment} experiment
 */
export function queryOf({ kind, rate, seconds, size, poll, faults }) {
  const parts = kind === "steady" ? [`rate=${rate}`, `seconds=${seconds}`] : [`kind=${kind}`];
  parts.push(`size=${size}`, `poll=${poll}`);
  if (faults.length > 0) {
    const words = faults.map(({ name, atS, durationS }) => {
      const at = Math.round(atS);
      return durationS ? `${name}@${at}-${at + durationS}` : `${name}@${at}`;
    });
    parts.push(`faults=${words.join(",")}`);
  }
  return parts.join("&");
}
