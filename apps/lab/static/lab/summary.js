/** What a run showed, in plain words. */

import { fill, texts } from "../demos/page.js";
import { latencies } from "./figures.js";
import { count, duration, requests, size } from "./numbers.js";

/** @import {LaneFigures} from "./figures.js" */
/** @import {Lane} from "./lane.js" */
/** @import {FaultRecord, Run} from "./run.js" */

/**
 * Say it in sentences.
 *
 * @param {Run} run  over
 * @param {LaneFigures[]} figures
 * @param {(name: string) => string} titleOf
 * @returns {string[]}
 */
export function sentencesOf(run, figures, titleOf) {
  const head = run.latest?.head ?? 0;
  if (head === 0) return [];
  return [
    ...completeness(figures, head, titleOf),
    ...promptness(figures, head, titleOf),
    ...cost(figures, titleOf),
    ...run.faults.flatMap((fault) => consequences(run, fault, titleOf)),
    ...server(run),
  ];
}

/**
 * @param {LaneFigures[]} figures
 * @param {number} head
 * @param {(name: string) => string} titleOf
 */
function completeness(figures, head, titleOf) {
  const short = figures.filter(({ missing, outOfOrder }) => missing > 0 || outOfOrder > 0);
  if (short.length === 0) return [head === 1 ? texts.sumAllOne : fill(texts.sumAll, { events: count(head) })];
  return short.map(({ name, events }) =>
    fill(texts.sumMissing, { lane: titleOf(name), got: count(events), events: count(head) }),
  );
}

/**
 * @param {LaneFigures[]} figures
 * @param {number} head
 * @param {(name: string) => string} titleOf
 */
function promptness(figures, head, titleOf) {
  const byP50 = figures.filter(({ p50Ms }) => p50Ms !== null).sort((a, b) => Number(a.p50Ms) - Number(b.p50Ms));
  const [fastest, slowest] = [byP50[0], byP50.at(-1)];
  if (!fastest || !slowest || fastest === slowest) return [];
  return [
    fill(head === 1 ? texts.sumPromptOne : texts.sumPrompt, {
      fast: duration(fastest.p50Ms),
      fastest: titleOf(fastest.name),
      slow: duration(slowest.p50Ms),
      slowest: titleOf(slowest.name),
    }),
  ];
}

/**
 * @param {LaneFigures[]} figures
 * @param {(name: string) => string} titleOf
 */
function cost(figures, titleOf) {
  const known = figures.filter(({ downBytes }) => downBytes !== null);
  const total = (/** @type {LaneFigures} */ { downBytes, upBytes }) => Number(downBytes) + Number(upBytes);
  const byBytes = [...known].sort((a, b) => total(a) - total(b));
  const [frugal, costly] = [byBytes[0], byBytes.at(-1)];
  if (!frugal || !costly || frugal === costly) return [];
  return [
    fill(texts.sumCost, {
      costly: titleOf(costly.name),
      requests: requests(costly.requests),
      bytes: size(total(costly)),
      frugal: titleOf(frugal.name),
      fewRequests: requests(frugal.requests),
      fewBytes: size(total(frugal)),
    }),
  ];
}

/**
 * @param {Run} run
 * @param {FaultRecord} fault
 * @param {(name: string) => string} titleOf
 */
function consequences(run, fault, titleOf) {
  const { offsetMs } = run.clock;
  // Of the events that were appended while it lasted, and shortly after one that was over at once.
  const untilMs = Math.max(fault.untilMs, fault.atMs + 3_000);
  const waits = run.lanes.map((lane) => {
    const hit = lane.arrivals.filter(
      ({ appendedMs }) => appendedMs - offsetMs >= fault.atMs - 50 && appendedMs - offsetMs <= untilMs,
    );
    return list(titleOf(lane.name), Math.max(0, ...latencies(hit, offsetMs)));
  });
  const at = duration(Math.max(0, fault.atMs - run.startedMs));
  const words = { fault: texts[`fault-${fault.name}`], at, waits: waits.join(texts.comma) };
  const back = run.lanes.flatMap((lane) => {
    const backMs = recovered(lane, fault);
    return backMs === null ? [] : [list(titleOf(lane.name), backMs)];
  });
  const recovery = back.length > 0 ? fill(texts.sumRecovered, { times: back.join(texts.comma) }) : texts.sumUntouched;
  return [`${fill(texts.sumFault, words)} ${recovery}`];
}

/**
 * @param {string} lane
 * @param {number} ms
 */
function list(lane, ms) {
  return fill(texts.listed, { lane, value: duration(ms) });
}

/**
 * Return how long after a fault's beginning a lane was live again, in milliseconds; null where it never was not.
 *
 * @param {Lane} lane
 * @param {FaultRecord} fault
 */
function recovered(lane, { atMs, untilMs }) {
  const lost = lane.states.find((state) => state.atMs >= atMs && state.atMs <= untilMs + 2_000 && state.state === "waiting");
  const back = lost && lane.states.find((state) => state.atMs > lost.atMs && state.state === "live");
  // Nobody comes back while they sleep: from then on it counts.
  return back ? back.atMs - (back.atMs > untilMs ? untilMs : atMs) : null;
}

/** @param {Run} run */
function server({ before, latest }) {
  const eachMs = processorMsEach(before, latest);
  if (!latest || eachMs === null) return [];
  return [
    fill(texts.sumServer, {
      each: duration(eachMs),
      threads: count(latest.threads),
      memory: size(latest.memory_bytes),
    }),
  ];
}

/**
 * Return the processor time for each delivery between two of the server's accounts, in milliseconds.
 *
 * @param {import("./server.js").ServerFigures | null} before
 * @param {import("./server.js").ServerFigures | null} latest
 */
export function processorMsEach(before, latest) {
  const deliveries = before && latest ? latest.delivered - before.delivered : 0;
  return before && latest && deliveries > 0 ? ((latest.processor_s - before.processor_s) * 1000) / deliveries : null;
}
