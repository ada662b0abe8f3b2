import { feedUrl, requestBytes } from "./address.js";
import { refusedByStatus } from "./endings.js";
import { ShortPollTransport } from "./short_poll.js";
import { bearing } from "./token_source.js";

/** @import {Ending} from "./endings.js" */
/** @import {Listeners, Place, Site} from "./registry.js" */

/**
 * Ask for the words of a refusal over plain HTTP, which shows them.
 *
 * `EventSource` hides status and body, and a WebSocket closed by daphne has a code without a reason. The same place,
 * asked for with a short poll, is refused for the same cause.
 *
 * @param {Place} place  the one refused
 * @param {Site} site
 * @param {Listeners} listeners  told that one more request went over the wire
 * @param {AbortSignal} signal  ends the asking
 * @returns {Promise<Ending | null>} null where the short poll is not refused, or gets no answer
 */
export async function askWhy(place, site, listeners, signal) {
  const { fetch, now } = site.environment;
  const url = feedUrl(ShortPollTransport, { ...place, limit: 1 }, site);
  listeners.onWire({ direction: "request", url: url.href, bytes: requestBytes(url), ms: 0 });
  try {
    const response = await fetch(url, { signal, cache: "no-store", headers: await bearing(site.token) });
    return response.ok ? null : await refusedByStatus(response, now());
  } catch {
    return null;
  }
}
