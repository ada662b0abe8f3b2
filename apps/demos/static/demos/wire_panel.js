/** What just went over the wire: totals, and the last lines. */

import { copyOf, element, language, write } from "./page.js";

/** @import {WireEntry} from "../transports/registry.js" */

const MOST_LINES = 40;
const TEXT_CHARS = 600;
const ARROWS = { request: "→", response: "←", frame: "←" };
const number = new Intl.NumberFormat(language);

export class WirePanel {
  #lines = element("wire-lines");
  #cursor = element("cursor");
  #requests = 0;
  #frames = 0;
  #bytes = 0;

  /**
   * Show one more line.
   *
   * @param {WireEntry} entry
   */
  add(entry) {
    const { direction, bytes, ms } = entry;
    if (direction === "request") this.#requests += 1;
    if (direction === "frame") this.#frames += 1;
    if (direction !== "request") this.#bytes += bytes;
    element("wire-requests").textContent = number.format(this.#requests);
    element("wire-frames").textContent = number.format(this.#frames);
    element("wire-bytes").textContent = number.format(this.#bytes);
    if (direction === "response") element("wire-ms").textContent = `${number.format(Math.round(ms))} ms`;

    const line = copyOf("wire-line-template");
    line.dataset.direction = direction;
    write(line, ".wire-arrow", ARROWS[direction]);
    write(line, ".wire-what", whatOf(entry));
    write(line, ".wire-size", direction === "request" ? "" : `${number.format(bytes)} B`);
    write(line, ".wire-time", direction === "request" ? "" : durationOf(ms));
    const text = (entry.text ?? "").slice(0, TEXT_CHARS);
    write(line, ".wire-text", text).hidden = text === "";
    this.#lines.prepend(line);
    while (this.#lines.childElementCount > MOST_LINES) this.#lines.lastElementChild?.remove();
  }

  /** Take away what went over the wire; the totals stay. */
  forget() {
    this.#lines.replaceChildren();
  }

  /**
   * Show the place in the log.
   *
   * @param {string | null} cursor
   */
  showPlace(cursor) {
    if (cursor !== null) this.#cursor.textContent = cursor;
  }
}

/** @param {WireEntry} entry */
function whatOf({ direction, url, status, text }) {
  if (direction === "request") {
    const { pathname, searchParams } = new URL(url ?? "", location.href);
    const after = searchParams.get("after");
    return after ? `${pathname} after ${after}` : pathname;
  }
  if (direction === "response") return String(status ?? "");
  return kindOf(text);
}

/**
 * Name a frame: an event by its type and seq, a control frame by its control.
 *
 * @param {string | undefined} text
 */
function kindOf(text) {
  try {
    const frame = JSON.parse(text ?? "");
    return frame.control ?? `${frame.type} #${frame.seq}`;
  } catch {
    return "";
  }
}

/** @param {number} ms  since the request; for a stream that is its age */
function durationOf(ms) {
  return ms < 10_000 ? `${number.format(Math.round(ms))} ms` : `${number.format(Math.round(ms / 1000))} s`;
}
