/**
 * The chat's connection: WebSocket, subprotocol `chat.v1.json`, with patience and a place in the log.
 *
 * Dispatches, each with a `detail`:
 *
 * - `frame`: a frame of the room's, see docs/CHAT.md.
 * - `state`: a ChatState.
 */

import { Cursor } from "../transports/cursor.js";
import { browser } from "../transports/environment.js";
import { watchPage } from "../transports/page_lifecycle.js";
import { Watchdog } from "../transports/watchdog.js";

/**
 * @typedef {object} ChatState
 * @property {"connecting" | "live" | "waiting" | "closed" | "refused"} state
 * @property {number} attempt  of this run of attempts, from 1; 0 for the first connection and once it stands
 * @property {number} waitMs  `waiting`: until the attempt
 * @property {string} message  why, in the server's words, or empty
 */

export const MOST_ATTEMPTS = 10;
const FIRST_WAIT_MS = 3_000;
const LONGEST_WAIT_MS = 60_000;
const FIRST_FRAME_MS = 10_000;

export class ChatSocket extends EventTarget {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Cursor | null} */
  #cursor = null;
  #isReady = false;
  #attempt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  #refusal = "";
  #watchdog = new Watchdog(browser, () => this.#lost());

  constructor() {
    super();
    watchPage(browser, {
      onHide: () => this.#drop(),
      onReturn: () => this.#socket || this.connect(),
      onVisible: () => this.#watchdog.isOverdue && this.#lost(),
      onOnline: () => this.#attempt > 0 && this.connect(),
    });
  }

  /** Whether lines can be sent now. */
  get isReady() {
    return this.#isReady;
  }

  /** The name to ask for when connecting. */
  name = "";

  // #region shown
  /** Connect now; after giving up, this begins a new run of attempts. */
  connect() {
    this.#drop();
    if (this.#attempt > MOST_ATTEMPTS) this.#attempt = 0;
    this.#tell("connecting");
    this.#watchdog.startWithin(FIRST_FRAME_MS);

    const url = new URL("/ws/chat/", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (this.name) url.searchParams.set("name", this.name);
    if (this.#cursor) url.searchParams.set("after", this.#cursor.text); // what was said in between follows

    const socket = (this.#socket = new WebSocket(url, "chat.v1.json"));
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => {
      if (this.#socket === socket) this.#lost(code); // not if it was given up for a new one
    });
  }

  /** Wait 3, 6, 12, 24 … seconds before the next attempt; after the tenth, give up. */
  #lost(code = 0) {
    this.#drop();
    if (isFinal(code)) return this.#tell("refused");
    this.#attempt += 1;
    if (this.#attempt > MOST_ATTEMPTS) return this.#tell("closed");
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#attempt - 1));
    // A little chance on top: those who lost the same server should not all return in one instant.
    this.#retry = setTimeout(() => this.connect(), waitMs * (1 + Math.random() / 4));
    this.#tell("waiting", waitMs);
  }
  // #endregion

  /**
   * Send a frame.
   *
   * @param {object} frame
   * @returns {boolean} false where there is no connection: nothing was sent
   */
  send(frame) {
    if (!this.#isReady) return false;
    this.#socket?.send(JSON.stringify(frame));
    return true;
  }

  /** @param {any} frame */
  #take(frame) {
    this.#watchdog.feed();
    if (frame.control === "ready") {
      // Not when the socket opens: a proxy may have opened it, or the room may be about to refuse us.
      this.#cursor = Cursor.parse(frame.cursor);
      this.#isReady = true;
      this.#attempt = 0;
      this.#watchdog.start(frame.heartbeat_s * 1000);
      this.#tell("live");
    } else if (frame.control === "reset") {
      this.#cursor = Cursor.parse(frame.cursor);
    } else if (frame.control === "close") {
      this.#refusal = frame.message ?? "";
    } else if (frame.topic !== undefined) {
      const seen = this.#cursor?.position(frame.topic) ?? 0;
      if (frame.seq <= seen) return;
      this.#cursor = this.#cursor?.advanced(frame.topic, frame.seq) ?? null;
    }
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  #drop() {
    clearTimeout(this.#retry);
    this.#watchdog.stop();
    this.#isReady = false;
    const socket = this.#socket;
    this.#socket = null; // before close(), which reports its own end
    socket?.close();
  }

  /**
   * @param {ChatState["state"]} state
   * @param {number} waitMs
   */
  #tell(state, waitMs = 0) {
    const detail = { state, waitMs, attempt: this.#attempt, message: this.#refusal };
    this.#refusal = "";
    this.dispatchEvent(new CustomEvent("state", { detail }));
  }
}

/**
 * Whether the room would refuse the same again: its codes are 4000 + an HTTP status, and 429 and 503 pass.
 *
 * @param {number} code
 */
function isFinal(code) {
  return code >= 4400 && code < 4500 && code !== 4429;
}
