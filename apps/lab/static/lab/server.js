/** What the page asks of the lab's endpoints. */

import { fill, texts } from "../demos/page.js";
import { nowMs, offsetFrom } from "./clock.js";

/** @import {DoorTally} from "./figures.js" */

/**
 * @typedef {object} ServerFigures
 * @property {number} head  the seq of the run's last event
 * @property {Record<string, DoorTally>} doors
 * @property {number} processes
 * @property {number} threads
 * @property {number} memory_bytes
 * @property {number} processor_s
 * @property {number} delivered
 * @property {number} connections
 */

const CLOCK_SAMPLES = 8;

/** The server said no, in words. */
export class LabRefusal extends Error {
  name = "LabRefusal";

  /**
   * @param {{code?: string, message?: string, hint?: string}} error
   * @param {number} status
   * @param {number} retryAfterS  0: the server named no time
   */
  constructor({ code = "", message = "", hint = "" }, status, retryAfterS) {
    super(texts[code] || message || `the server answered ${status}`);
    // What was said in the page's language comes without the hint, which is for programs.
    this.hint = retryAfterS ? fill(texts.tryAgain, { seconds: retryAfterS }) : code in texts ? "" : hint;
    this.status = status;
  }
}

/**
 * @param {string} path
 * @param {object} [body]  makes it a POST
 * @returns {Promise<any>}
 * @throws {LabRefusal} the server refused
 * @throws {TypeError} the server can't be reached
 */
async function ask(path, body) {
  const response = await fetch(path, {
    method: body ? "POST" : "GET",
    cache: "no-store",
    headers: body ? { "Content-Type": "application/json", "X-CSRFToken": csrfToken() } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new LabRefusal(answer.error ?? {}, response.status, Number(response.headers.get("Retry-After")));
}

function csrfToken() {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  return cookie ? decodeURIComponent(cookie.slice("csrftoken=".length)) : "";
}

/** @returns {Promise<{run: string, cursor: string}>} */
export function beginRun() {
  return ask("/lab/runs", {});
}

/**
 * @param {string} run
 * @param {{size: number, burst?: boolean, rate?: number, seconds?: number}} workload
 * @returns {Promise<{events: number}>}  how many there will be
 */
export function publish(run, workload) {
  return ask(`/lab/runs/${run}/events`, workload);
}

/**
 * @param {string} run
 * @param {string} fault
 * @param {number} seconds
 * @returns {Promise<{seq: number}>}
 */
export function causeFault(run, fault, seconds) {
  return ask(`/lab/runs/${run}/faults`, seconds ? { fault, seconds } : { fault });
}

/** @param {string} run */
export function stopPublishing(run) {
  return ask(`/lab/runs/${run}/stop`, {});
}

/**
 * @param {string} run
 * @returns {Promise<ServerFigures>}
 */
export function serverFigures(run) {
  return ask(`/lab/runs/${run}/figures`);
}

/** Compare the clocks, over a few round trips. */
export async function compareClocks() {
  const samples = [];
  for (let round = 0; round < CLOCK_SAMPLES; round += 1) {
    const sentMs = nowMs();
    const { time_ms: serverMs } = await ask("/lab/clock");
    samples.push({ sentMs, receivedMs: nowMs(), serverMs });
  }
  return offsetFrom(samples);
}
