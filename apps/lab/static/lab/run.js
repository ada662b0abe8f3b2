/**
 * A run: a topic of its own, five lanes that read it, an experiment, and an end.
 *
 * It is over when every fault has passed and every lane has every event, or has had long enough.
 */

import { nowMs } from "./clock.js";
import { Lane, Nap } from "./lane.js";
import { beginRun, causeFault, compareClocks, publish, serverFigures, stopPublishing } from "./server.js";

/** @import {ClockOffset} from "./clock.js" */
/** @import {Experiment, PlannedFault} from "./experiment.js" */
/** @import {ServerFigures} from "./server.js" */

export const LANES = ["short_poll", "long_poll", "sse", "fetch_stream", "websocket"];

const LOOK_MS = 1_000;
const LIVE_WITHIN_MS = 12_000;
const CATCH_UP_MS = 45_000; // as long as a reader takes who waits out its longest backoff
const CLOSED_LOOKS = 5;

/**
 * @typedef {"opening" | "resting" | "running" | "settling" | "done" | "stopped" | "failed"} Phase
 *
 * @typedef {object} FaultRecord
 * @property {string} name
 * @property {number} atMs  by our clock
 * @property {number} untilMs
 */

/** Dispatches `phase` whenever its phase changes, and `trouble` where a planned fault could not be caused. */
export class Run extends EventTarget {
  /** @type {Phase} */
  phase = "opening";
  /** @type {Lane[]} */
  lanes = [];
  /** @type {ClockOffset} */
  clock = { offsetMs: 0, errorMs: 0 };
  /** @type {FaultRecord[]} */
  faults = [];
  /** The first and the latest of the server's accounts. @type {ServerFigures | null} */
  before = null;
  /** @type {ServerFigures | null} */
  latest = null;
  /** @type {unknown} */
  error = null;
  /** When the first thing was asked of the server, by our clock. */
  startedMs = nowMs();
  /** @type {number | null} */
  endedMs = null;
  topic = "";
  /** How many events the log will hold in the end. */
  expected = 0;

  #nap = new Nap();
  #isClosed = false;
  #isStopped = false;

  /** @param {Experiment} experiment  grows with what is done meanwhile, so that its link tells all */
  constructor(experiment) {
    super();
    this.experiment = experiment;
  }

  get isAsleep() {
    return this.#nap.isOn;
  }

  get isClosed() {
    return this.#isClosed;
  }

  get isOver() {
    return this.phase === "done" || this.phase === "stopped" || this.phase === "failed";
  }

  /** Have all five connect, and stay at rest. */
  async open() {
    const { run, cursor } = await beginRun();
    this.topic = run;
    this.clock = await compareClocks();
    if (this.#isClosed) return;
    this.startedMs = nowMs();
    const { poll } = this.experiment;
    this.lanes = LANES.map((name) => new Lane(name, { topic: run, cursor, pollMs: poll, nap: this.#nap }));
    this.before = await this.#look();
    await this.#until(() => this.lanes.every(({ state }) => state === "live"), LIVE_WITHIN_MS);
    this.#setPhase("resting");
  }

  /**
   * Look at the server's account for as long as it rests.
   *
   * @param {number} forMs
   */
  async rest(forMs) {
    await this.open();
    await this.#until(() => false, forMs);
    this.close();
  }

  /** Do the experiment, to its end. */
  async perform() {
    const { kind, rate, seconds, size, faults } = this.experiment;
    const planned = faults;
    this.experiment.faults = [];
    try {
      await this.open();
      if (this.#isClosed) return;
      this.startedMs = nowMs();
      this.#setPhase("running");
      const workload = kind === "steady" ? { size, rate, seconds } : { size, burst: kind === "burst" };
      const publishing = this.#publish(workload);
      for (const fault of planned) this.#plan(fault);
      await publishing;
      const lastsMs = 1000 * Math.max(kind === "steady" ? seconds : 0, ...planned.map(({ atS, durationS }) => atS + durationS));
      await this.#until(() => this.#isStopped || nowMs() >= this.startedMs + lastsMs, Infinity);
      this.#setPhase("settling");
      await this.#until(() => this.#isSettled, CATCH_UP_MS);
      await this.#finish();
    } catch (error) {
      this.error = error;
      this.close();
      this.#setPhase("failed");
    }
  }

  /**
   * Publish more, in the middle of it.
   *
   * @param {"one" | "burst"} kind
   */
  async add(kind) {
    await this.#publish({ size: this.experiment.size, burst: kind === "burst" });
  }

  /**
   * Cause a fault, now.
   *
   * @param {string} name
   * @param {number} durationS
   */
  async cause(name, durationS) {
    if (this.#isClosed || this.isOver) return;
    const atMs = nowMs();
    const atS = Math.max(0, (atMs - this.startedMs) / 1000);
    await causeFault(this.topic, name, durationS);
    this.experiment.faults.push({ name, atS, durationS });
    this.faults.push({ name, atMs, untilMs: atMs + durationS * 1000 });
    if (name !== "sleep") return;
    this.#nap.begin();
    setTimeout(() => this.#nap.end(), durationS * 1000);
  }

  /** Publish no more, and go on to the end. */
  async stop() {
    this.#isStopped = true;
    if (this.phase === "running") await stopPublishing(this.topic);
  }

  /** Leave at once. */
  close() {
    this.#isClosed = true;
    if (this.#nap.isOn) this.#nap.end();
    for (const lane of this.lanes) lane.close();
  }

  /** @param {Parameters<typeof publish>[1]} workload */
  async #publish(workload) {
    this.expected += (await publish(this.topic, workload)).events;
  }

  get #isSettled() {
    if (!this.latest || this.isAsleep || this.faults.some(({ untilMs }) => untilMs > nowMs())) return false;
    const { head } = this.latest;
    return (this.#isStopped || head >= this.expected) && this.lanes.every(({ seq }) => seq >= head);
  }

  async #finish() {
    this.endedMs = nowMs();
    this.close();
    // The server notices a moment later that the lanes have left; its account is exact then.
    for (let look = 0; look < CLOSED_LOOKS; look += 1) {
      const tallies = Object.values((await this.#look()).doors);
      const counted = tallies.reduce((sum, { requests }) => sum + requests, 0);
      const asked = this.lanes.reduce((sum, { traffic }) => sum + traffic.requests, 0);
      if (tallies.every(({ open }) => open === 0) && counted >= asked) break;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    this.#setPhase(this.#isStopped ? "stopped" : "done");
  }

  async #look() {
    this.latest = await serverFigures(this.topic);
    for (const lane of this.lanes) lane.tally();
    return this.latest;
  }

  /** @param {PlannedFault} fault */
  #plan({ name, atS, durationS }) {
    setTimeout(() => this.cause(name, durationS).catch((error) => this.#tellTrouble(error)), atS * 1000);
  }

  /** @param {unknown} error */
  #tellTrouble(error) {
    this.error = error;
    this.dispatchEvent(new Event("trouble"));
  }

  /**
   * Look at the server's account now and then, until something is so, or for long enough.
   *
   * @param {() => boolean} isSo
   * @param {number} withinMs
   */
  async #until(isSo, withinMs) {
    const beganMs = nowMs();
    let lookedMs = 0;
    while (!isSo() && !this.#isClosed && nowMs() - beganMs < withinMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (nowMs() - lookedMs < LOOK_MS || this.topic === "") continue;
      lookedMs = nowMs();
      try {
        await this.#look();
      } catch {
        // The next look may find it again; the lanes have their own opinion of the network.
      }
    }
  }

  /** @param {Phase} phase */
  #setPhase(phase) {
    this.phase = phase;
    this.dispatchEvent(new Event("phase"));
  }
}
