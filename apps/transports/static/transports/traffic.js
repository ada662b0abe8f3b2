/**
 * What a subscription cost so far, as far as the page can know it.
 *
 * @typedef {object} Traffic
 * @property {number} requests  a WebSocket is one
 * @property {number} frames  of streams and sockets; polls have none
 * @property {number} bytesUp  paths and queries of the requests
 * @property {number} bytesDown  bodies of answers, lines of streams, payloads of WebSocket frames
 */

/** @import {WireEntry} from "./registry.js" */

/** @returns {Traffic} */
export function noTraffic() {
  return { requests: 0, frames: 0, bytesUp: 0, bytesDown: 0 };
}

/**
 * Add what just went over the wire.
 *
 * @param {Traffic} traffic  changed in place
 * @param {WireEntry} entry
 */
export function count(traffic, { direction, bytes }) {
  if (direction === "request") {
    traffic.requests += 1;
    traffic.bytesUp += bytes;
    return;
  }
  if (direction === "frame") traffic.frames += 1;
  traffic.bytesDown += bytes;
}
