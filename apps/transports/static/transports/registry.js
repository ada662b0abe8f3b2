/**
 * The five transports, and the shape that they share.
 *
 * A transport is one attempt: `open` starts it, `onClose` says that it is over, `close` ends it. It keeps no place and
 * never retries; the client does both. To add one, copy its neighbour and list it here.
 *
 * @typedef {object} Place  what to read, and from where
 * @property {string[]} topics
 * @property {string | null} after  a cursor, `start` or `now`; null leaves it to `last`, or else to the server (`now`)
 * @property {number | null} last  the last N events of each topic
 *
 * @typedef {object} Site  where the doors are
 * @property {string} baseUrl  may end in a path, and may be empty in a page
 * @property {Record<string, string>} paths  of doors that are elsewhere than usual
 * @property {Environment} environment
 * @property {TokenSource} [token]
 *
 * @typedef {object} Ready
 * @property {string | null} cursor  the resolved place of every topic; null where the first events will tell
 * @property {number} heartbeatMs  the longest silence to expect
 * @property {number | null} retryMs  the server's hint for reconnects
 *
 * @typedef {object} WireEntry  something that went over the wire, for people to look at
 * @property {"request" | "response" | "frame"} direction
 * @property {number} bytes  as the page can know them: a request's path and query, a body, a frame's payload (SSE: with
 *   its field names); without headers and what encryption and the network add
 * @property {number} ms  since the request left
 * @property {string} [url]
 * @property {number} [status]
 * @property {string} [text]  of the frame or body
 *
 * @typedef {object} Listeners
 * @property {(ready: Ready) => void} onReady  the server's first frame arrived: connected
 * @property {(events: LoggedEvent[], cursor: string | null) => void} onEvents  `cursor` is the place after them, where
 *   the server said so
 * @property {(heartbeat: {cursor: string | null}) => void} onHeartbeat  nothing happened, and the connection lives
 * @property {(reset: Reset) => void} onReset
 * @property {(ending: Ending) => void} onClose  over, for the first reason given
 * @property {(entry: WireEntry) => void} onWire
 *
 * @typedef {object} TransportOptions
 * @property {string} [baseUrl]  the server, for example `https://example.org`; empty: the page's own
 * @property {Record<string, string>} [paths]  where a door is not at its usual path: `{sse: "/elsewhere/sse"}`
 * @property {Environment} [environment]
 * @property {TokenSource} [token]  sent instead of cookies
 * @property {number} [intervalMs]  short poll: between an answer and the next request
 * @property {number} [timeoutS]  long poll: how long the server may hold a request
 * @property {number} [limit]  polls: events in one answer, 1 to 500
 *
 * @typedef {object} Transport
 * @property {(place: Place, listeners: Listeners) => void} open
 * @property {() => void} close  ends at once and silently
 *
 * @typedef {{transportName: string, path: string}} Door
 *
 * @typedef {Door & {
 *   new (options?: TransportOptions): Transport,
 *   supported: (environment?: Environment, token?: TokenSource) => boolean,
 * }} TransportClass  `supported` tells whether this browser could; the network may still not let it
 */

import { FetchStreamTransport } from "./fetch_stream.js";
import { LongPollTransport } from "./long_poll.js";
import { ShortPollTransport } from "./short_poll.js";
import { SseTransport } from "./sse.js";
import { WebSocketTransport } from "./websocket.js";

/** @import {Ending} from "./endings.js" */
/** @import {Environment} from "./environment.js" */
/** @import {LoggedEvent, Reset} from "./framing.js" */
/** @import {TokenSource} from "./token_source.js" */

/** @type {TransportClass[]} */
export const TRANSPORTS = [
  ShortPollTransport,
  LongPollTransport,
  SseTransport,
  FetchStreamTransport,
  WebSocketTransport,
];

/**
 * Return the transport called `name`.
 *
 * @param {string} name  `short_poll`, `long_poll`, `sse`, `fetch_stream` or `websocket`
 * @throws {RangeError} there is none
 */
export function transportNamed(name) {
  const found = TRANSPORTS.find(({ transportName }) => transportName === name);
  if (found) return found;
  const names = TRANSPORTS.map(({ transportName }) => transportName).join(", ");
  throw new RangeError(`there is no transport '${name}'; choose one of ${names}`);
}
