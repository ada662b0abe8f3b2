/**
 * What the server sends, handed to the listener it is meant for.
 *
 * Streams and sockets send frames: an event, or a control frame. Polls answer with batches. Both carry the same events.
 * Source: docs/PROTOCOL.md.
 *
 * @typedef {object} LoggedEvent  one event of the log
 * @property {string} topic
 * @property {number} seq  1, 2, 3 … within its topic, without gaps
 * @property {string} type  for example `notification.posted`
 * @property {string} time  ISO 8601, UTC, milliseconds
 * @property {any} data  any JSON; null where a later event recalled this one
 *
 * @typedef {object} Reset  what was known of `topics` does not lead to what comes next
 * @property {"epoch" | "ahead" | "trimmed" | "history"} reason
 * @property {string[]} topics
 * @property {string} cursor
 *
 * @typedef {object} Batch  exactly what lies between the cursor asked with and `cursor`
 * @property {LoggedEvent[]} events
 * @property {string} cursor
 * @property {Reset | null} reset
 * @property {boolean} more
 */

import { closedByServer, garbled, GarbledError } from "./endings.js";

/** @import {Listeners} from "./registry.js" */

/**
 * Read one frame of a stream and hand it to its listener.
 *
 * @param {string} text
 * @param {Listeners} listeners
 */
export function deliverFrame(text, listeners) {
  const frame = parsed(text);
  if (isEvent(frame)) {
    listeners.onEvents([frame], null);
    return;
  }
  if (typeof frame?.control !== "string") {
    listeners.onClose(garbled(text));
    return;
  }
  const { control, cursor = null, heartbeat_s = 15, retry_ms = null, reason, message, topics = [] } = frame;
  switch (control) {
    case "ready":
      listeners.onReady({ cursor, heartbeatMs: heartbeat_s * 1000, retryMs: retry_ms });
      break;
    case "heartbeat":
      listeners.onHeartbeat({ cursor });
      break;
    case "reset":
      listeners.onReset({ reason, topics, cursor: cursor ?? "" });
      break;
    case "close":
      listeners.onClose(closedByServer(reason, message, retry_ms));
      break;
    // Any other control frame is a newer server's, for newer clients.
  }
}

/**
 * Read the body of an answer to a poll.
 *
 * @param {string} text
 * @returns {Batch}
 * @throws {GarbledError} it is no batch
 */
export function parseBatch(text) {
  const batch = parsed(text);
  if (Array.isArray(batch?.events) && batch.events.every(isEvent) && typeof batch.cursor === "string") return batch;
  throw new GarbledError(text);
}

/**
 * Hand one answer to a poll to its listener: a reset, or else the events; an empty batch is a heartbeat.
 *
 * @param {Batch} batch
 * @param {Listeners} listeners
 */
export function deliverBatch(batch, listeners) {
  if (batch.reset) listeners.onReset(batch.reset);
  if (batch.events.length > 0) listeners.onEvents(batch.events, batch.cursor);
  if (!batch.reset && batch.events.length === 0) listeners.onHeartbeat({ cursor: batch.cursor });
}

/**
 * Count the bytes of a text as UTF-8, the form it has on the wire.
 *
 * @param {string} text
 */
export function byteLength(text) {
  return new TextEncoder().encode(text).length;
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {any} frame */
function isEvent(frame) {
  return typeof frame?.topic === "string" && Number.isSafeInteger(frame.seq);
}
