import { feedUrl } from "./address.js";
import { refusedByStatus } from "./endings.js";

/** @import {Ending} from "./endings.js" */
/** @import {Environment} from "./environment.js" */
/** @import {Place} from "./registry.js" */

/**
 * Ask for the words of a refusal over plain HTTP, which shows them.
 *
 * `EventSource` hides status and body, and a WebSocket closed by daphne has a code without a reason. The same place,
 * asked for with a short poll, is refused for the same cause.
 *
 * @param {Place} place  the one refused
 * @param {{baseUrl: string, environment: Environment}} site
 * @param {AbortSignal} signal  ends the asking
 * @returns {Promise<Ending | null>} null where the short poll is not refused, or gets no answer
 */
export async function askWhy(place, site, signal) {
  const { fetch, now } = site.environment;
  try {
    const response = await fetch(feedUrl("/feed/poll", { ...place, limit: 1 }, site), { signal, cache: "no-store" });
    return response.ok ? null : await refusedByStatus(response, now());
  } catch {
    return null;
  }
}
