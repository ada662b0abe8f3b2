/**
 * What was learnt of the transports, for the next page of the session.
 *
 * `sessionStorage` may be missing (Node), forbidden (a person who blocks cookies) or hold anything: then nothing was
 * learnt, and nothing is kept.
 */

/** @import {Environment} from "./environment.js" */
/** @import {Verdict} from "./transport_choice.js" */

/**
 * Read what was learnt.
 *
 * @param {Environment} environment
 * @param {string} key
 * @returns {Map<string, Verdict>}  by the transport's name
 */
export function recall(environment, key) {
  try {
    const stored = Object.entries(JSON.parse(environment.sessionStorage?.getItem(key) ?? "{}"));
    return new Map(stored.filter(([, verdict]) => isVerdict(verdict)));
  } catch {
    return new Map();
  }
}

/**
 * Keep what was learnt.
 *
 * @param {Environment} environment
 * @param {string} key
 * @param {Map<string, Verdict>} verdicts
 */
export function remember(environment, key, verdicts) {
  try {
    environment.sessionStorage?.setItem(key, JSON.stringify(Object.fromEntries(verdicts)));
  } catch {
    // Forbidden or full: the next page learns it anew.
  }
}

/** @param {any} stored */
function isVerdict(stored) {
  const { reason, message, until, times } = stored ?? {};
  return typeof reason === "string" && typeof message === "string" && until >= 0 && times >= 1;
}
