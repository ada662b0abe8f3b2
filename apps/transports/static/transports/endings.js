/**
 * Why a connection ended, and whether there is a point in opening it again.
 *
 * @typedef {object} Ending
 * @property {string} reason  a word for programs: `network`, `token`, `garbled`, `early`, `silent`, `hole`, an HTTP status, or a
 *   code or reason of the server's
 * @property {string} message  for a person, without capital and full stop, as the server writes them
 * @property {boolean} final  whether the same request would be refused again
 * @property {boolean} isOnTheWay  whether something between here and the server may be at fault, so that another
 *   transport may get through
 * @property {number | null} retryMs  the server's hint: come back within this time
 * @property {number} notBeforeMs  the server's wish: don't come back sooner than this
 */

import { TokenError } from "./token_source.js";

/** What arrived, the message, can't be the feed's: a login page of the network, say, or a proxy's error page. */
export class GarbledError extends Error {
  name = "GarbledError";
}

// Said once, when a right ends under a connection. Asked again, the server says whether that stands: another session may
// have begun meanwhile, as it does when somebody changes their own password.
const RIGHT_ENDED = ["signed_out", "revoked"];

/**
 * Tell whether a refusal stands however often one asks: any 4xx but those that speak of the moment
 * (408 request timeout, 425 too early, 429 too many requests).
 *
 * @param {number} status  an HTTP status
 */
function isFinal(status) {
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}

/**
 * The network failed, or somebody between here and the server cut the connection, or answered in its place.
 *
 * @param {unknown} [cause]  what was thrown, where something was
 * @returns {Ending}
 */
export function cutOff(cause) {
  if (cause instanceof GarbledError) return garbled(cause.message);
  if (cause instanceof TokenError) {
    const { message } = cause;
    return { reason: "token", message, final: false, isOnTheWay: false, retryMs: null, notBeforeMs: 0 };
  }
  const message = cause instanceof Error ? `the connection was lost: ${cause.message}` : "the connection was lost";
  return { reason: "network", message, final: false, isOnTheWay: true, retryMs: null, notBeforeMs: 0 };
}

/**
 * What arrived is not what the server sends.
 *
 * @param {string} text  what arrived
 * @returns {Ending}
 */
export function garbled(text) {
  const message = `something that is not the feed answered: ${JSON.stringify(text.slice(0, 60))}`;
  return { reason: "garbled", message, final: false, isOnTheWay: true, retryMs: null, notBeforeMs: 0 };
}

/**
 * An empty answer came long before its time: a server about to stop, or a proxy that cuts waits short.
 *
 * @returns {Ending}
 */
export function answeredEarly() {
  const message = "the server answered before there was anything to tell";
  return { reason: "early", message, final: false, isOnTheWay: true, retryMs: null, notBeforeMs: 0 };
}

/**
 * The server ended the stream with a `close` frame.
 *
 * @param {string} reason
 * @param {string | undefined} message
 * @param {number | null} retryMs
 * @returns {Ending}
 */
export function closedByServer(reason, message, retryMs) {
  const words = message ?? `the server asks to reconnect: ${reason}`;
  return { reason, message: words, final: false, isOnTheWay: false, retryMs, notBeforeMs: 0 };
}

/**
 * Nothing arrived for too long.
 *
 * @param {number} silentMs
 * @returns {Ending}
 */
export function fellSilent(silentMs) {
  const message = `nothing arrived for ${Math.round(silentMs / 1000)} s`;
  return { reason: "silent", message, final: false, isOnTheWay: true, retryMs: null, notBeforeMs: 0 };
}

/**
 * Events are missing in what arrives, again and again.
 *
 * @returns {Ending}
 */
export function fullOfHoles() {
  const message = "events are missing in what arrives";
  return { reason: "hole", message, final: false, isOnTheWay: true, retryMs: null, notBeforeMs: 0 };
}

/**
 * The answer is not 200. The server gives its reason in the body, in words; who gives none may be a proxy on the way.
 *
 * @param {Response} response  its body not yet read
 * @param {number} now  milliseconds since 1970, to make a time to wait of a date in `Retry-After`
 * @returns {Promise<Ending>}
 * @throws {Error} the connection was cut or closed before all of the body arrived
 */
export async function refusedByStatus(response, now) {
  const { status } = response;
  const { code, message, hint } = await errorOf(response);
  return {
    reason: code ?? String(status),
    message: [message ?? `the server answered ${status}`, hint].filter(Boolean).join("; "),
    final: code !== undefined && isFinal(status) && !RIGHT_ENDED.includes(code),
    isOnTheWay: code === undefined && isFinal(status),
    retryMs: null,
    notBeforeMs: retryAfterMs(response.headers.get("Retry-After"), now),
  };
}

/**
 * A WebSocket closed. The server's own codes are 4000 + the HTTP status that says the same, or for other ends
 * (a restart) a code below 4400.
 *
 * @param {number} code
 * @param {string} message
 * @returns {Ending}
 */
export function closedByCode(code, message) {
  if (code < 4400) return cutOff(new Error(message || `code ${code}`));
  const status = code - 4000;
  return {
    reason: String(status),
    message: message || `the server answered ${status}`,
    final: isFinal(status),
    isOnTheWay: false,
    retryMs: null,
    notBeforeMs: 0,
  };
}

/**
 * @param {Response} response
 * @returns {Promise<{code?: string, message?: string, hint?: string}>}  empty where the body is not the server's own
 */
async function errorOf(response) {
  try {
    return (await response.json())?.error ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error; // cut off, or closed, while it arrived
  }
}

/**
 * [spec] Retry-After = HTTP-date / delay-seconds (RFC 9110, section "Retry-After")
 *
 * @param {string | null} header
 * @param {number} now
 */
function retryAfterMs(header, now) {
  if (header === null) return 0;
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return waitMs > 0 ? waitMs : 0; // a date in the past, or no date at all (NaN): no wait
}
