/** The lab's page: one run at a time, drawn as it goes, and told when it is over. */

import { element, fill, texts, write } from "../demos/page.js";
import { beAlone } from "./alone.js";
import { nowMs } from "./clock.js";
import { BOUNDS, bounded, experimentFrom, queryOf, usualExperiment } from "./experiment.js";
import { figuresOf } from "./figures.js";
import { count, duration, size } from "./numbers.js";
import { drawLatencies, drawWeights } from "./pictures.js";
import { LANES, Run } from "./run.js";
import { LabRefusal } from "./server.js";
import { processorMsEach, sentencesOf } from "./summary.js";
import { asCsv, asJson, save, tabbed } from "./takeaway.js";
import { coloursOf, drawAxis, drawLane } from "./timeline.js";

/** @import {Experiment} from "./experiment.js" */
/** @import {LaneFigures} from "./figures.js" */

const REST_MS = 60_000; // then the lanes let go of the server
const PICTURES_MS = 1_000; // between two drawings of them: the server's account is no younger
const SPAN_MS = 15_000; // of the timeline at rest
const MARGIN_S = 1.5; // after the last planned event
const FAULT_AT_S = 3; // of a fault that is pressed while nothing runs
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const numbers = /** @type {("rate" | "seconds" | "size" | "poll")[]} */ (Object.keys(BOUNDS));

const places = LANES.map((name) => element(`lane-${name}`));
const phase = element("phase");
const notice = element("notice");
const starts = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("#start, #one, #burst, .fault"));
const startButton = /** @type {HTMLButtonElement} */ (element("start"));
const stopButton = /** @type {HTMLButtonElement} */ (element("stop"));
const table = /** @type {HTMLTableElement} */ (element("measured"));
const axis = /** @type {HTMLCanvasElement} */ (element("axis"));

/** @type {Run | null} */
let run = null;
let drawnMs = 0;
let picturedMs = 0;
let spanMs = SPAN_MS;

/** @param {string} name */
function titleOf(name) {
  return places[LANES.indexOf(name)].querySelector(".line-name")?.textContent ?? name;
}

// The settings

/** @param {string} id */
function input(id) {
  return /** @type {HTMLInputElement | HTMLSelectElement} */ (element(id));
}

/** @param {Experiment} experiment */
function showSettings(experiment) {
  for (const name of numbers) input(name).value = String(experiment[name]);
  const poll = /** @type {HTMLSelectElement} */ (input("poll"));
  for (const option of poll.options) option.text = fill(texts.s, { n: Number(option.value) / 1000 });
  if (poll.selectedIndex === -1) {
    poll.add(new Option(duration(experiment.poll), String(experiment.poll)));
    poll.value = String(experiment.poll);
  }
}

/** Tell whether every number is within its bounds; if not, the browser says which, and what it may be. */
function areSound() {
  return /** @type {HTMLFormElement} */ (element("settings")).reportValidity();
}

/** @returns {Experiment} */
function settings() {
  const experiment = usualExperiment();
  for (const name of numbers) experiment[name] = bounded(name, Number(input(name).value));
  return experiment;
}

// A run

/** @param {Run} next */
function take(next) {
  run?.close();
  run = next;
  drawnMs = picturedMs = 0;
  element("latency").replaceChildren();
  next.addEventListener("phase", () => run === next && showPhase());
  next.addEventListener("trouble", () => run === next && tell(next.error));
  notice.hidden = true;
  element("summary").hidden = true;
  showPhase();
  requestAnimationFrame(draw);
}

/** @param {Experiment} experiment */
async function perform(experiment) {
  const lastS = Math.max(0, ...experiment.faults.map(({ atS, durationS }) => atS + durationS));
  spanMs = 1000 * (MARGIN_S + Math.max(experiment.kind === "steady" ? experiment.seconds : experiment.poll / 1000, lastS));
  const mine = new Run(experiment);
  take(mine);
  await mine.perform();
  if (run !== mine) return;
  if (mine.phase === "failed") tell(mine.error);
  else showSummary(mine);
}

/** All five, connected, with nothing to tell: what silence costs. */
async function rest() {
  const mine = new Run(usualExperiment());
  mine.experiment.poll = settings().poll;
  take(mine);
  try {
    await mine.rest(REST_MS);
    if (run === mine) showWords(texts.idle, "idle");
  } catch (error) {
    if (run === mine) tell(error);
  }
}

const isBusy = () => run !== null && ["opening", "running", "settling"].includes(run.phase);

/** @param {"one" | "burst"} kind */
async function post(kind) {
  if (run?.phase === "running") await run.add(kind).catch(tell);
  else if (!isBusy() && areSound()) await perform({ ...settings(), kind });
}

/** @param {HTMLButtonElement} button */
async function breakSomething({ dataset }) {
  const [name, seconds] = [dataset.fault ?? "", Number(dataset.seconds)];
  if (run?.phase === "running") await run.cause(name, seconds).catch(tell);
  else if (!isBusy() && areSound()) await perform({ ...settings(), faults: [{ name, atS: FAULT_AT_S, durationS: seconds }] });
}

// What is going on, in words

/**
 * @param {string} words
 * @param {string} state
 */
function showWords(words, state) {
  phase.dataset.phase = state;
  element("phase-words").textContent = words;
  const spoken = element("phase-spoken");
  // A status is read out when it is written: not with every second of a run.
  if (spoken.dataset.phase === state) return;
  spoken.dataset.phase = state;
  spoken.textContent = words;
}

function showPhase() {
  if (!run) return;
  const seconds = Math.max(0, Math.round((nowMs() - run.startedMs) / 1000));
  showWords(fill(texts[run.phase], { seconds, reason: reasonOf(run.error) }), run.phase);
  const isRunning = run.phase === "running";
  const mayAdd = isRunning || !isBusy();
  for (const button of starts) button.disabled = button === startButton ? isBusy() : !mayAdd;
  stopButton.hidden = !isRunning;
  startButton.hidden = isRunning;
}

/** @param {unknown} error */
function reasonOf(error) {
  if (error instanceof LabRefusal) return error.hint ? `${error.message}; ${error.hint}` : error.message;
  return error === null ? "" : texts.unreachable;
}

/** @param {unknown} error */
function tell(error) {
  const isPatience = error instanceof LabRefusal && error.status === 429;
  notice.textContent = isPatience
    ? fill(texts.busy, { message: error.message, hint: error.hint })
    : fill(texts.failed, { reason: reasonOf(error) });
  notice.hidden = false;
}

// Figures

/** @returns {LaneFigures[]} */
function figuresNow() {
  if (!run) return [];
  const { lanes, clock, latest } = run;
  const head = Math.max(latest?.head ?? 0, ...lanes.map(({ seq }) => seq));
  return lanes.map((lane) => figuresOf(lane, clock.offsetMs, run?.isOver ? head : 0, latest?.doors[lane.name]));
}

/** @param {LaneFigures[]} figures */
function showFigures(figures) {
  for (const figure of figures) {
    const place = places[LANES.indexOf(figure.name)];
    /** @type {Record<string, string>} */
    const cells = {
      p50: duration(figure.p50Ms),
      p99: duration(figure.p99Ms),
      longest: duration(figure.longestMs),
      events: count(figure.events),
      missing: run?.isOver ? count(figure.missing) : "–",
      duplicates: count(figure.duplicates),
      repairs: count(figure.repairs),
      reconnects: count(figure.reconnects),
      requests: count(figure.requests),
      down: size(figure.downBytes),
      body: size(figure.bodyBytes),
      up: size(figure.upBytes),
      perEvent: size(figure.bytesPerEvent),
    };
    for (const name of ["p50", "requests", "down"]) write(place, `[data-figure="${name}"]`, cells[name]);
    for (const [name, words] of Object.entries(cells)) {
      write(table, `[data-row="${name}"] [data-lane="${figure.name}"]`, words);
    }
  }
}

function showServer() {
  if (!run?.latest) return;
  const { clock, latest, before } = run;
  const eachMs = processorMsEach(before, latest);
  /** @type {Record<string, string>} */
  const words = {
    clock: fill(texts.offset, { offset: duration(clock.offsetMs), error: duration(clock.errorMs) }),
    connections: count(latest.connections),
    threads: count(latest.threads),
    memory: size(latest.memory_bytes),
    cpu: duration(eachMs),
    processes: count(latest.processes),
  };
  for (const [name, text] of Object.entries(words)) write(document.body, `[data-server="${name}"]`, text);
}

function showStates() {
  for (const [index, place] of places.entries()) {
    const lane = run?.lanes[index];
    const state = run?.isAsleep && lane?.state !== "closed" ? "asleep" : (lane?.state ?? "closed");
    const missing = (run?.latest?.head ?? 0) - (lane?.counts.events ?? 0);
    const mark = /** @type {HTMLElement} */ (place.querySelector(".lane-state"));
    mark.dataset.state = state;
    mark.title = lane?.message ?? "";
    write(mark, ".lane-state-words", run?.isOver && lane ? endWords(lane.counts.events, missing) : texts[state]);
    const since = state === "live" ? lane?.liveSinceMs : null;
    write(mark, ".lane-age", since ? duration(Math.round((nowMs() - since) / 1000) * 1000) : "");
  }
}

/**
 * @param {number} events
 * @param {number} missing
 */
function endWords(events, missing) {
  return missing > 0 ? fill(texts.missing, { n: count(missing) }) : fill(texts.allHere, { n: count(events) });
}

// Drawing

function view() {
  const at = nowMs();
  const { startedMs, endedMs, clock, faults, phase: now } = /** @type {Run} */ (run);
  const isResting = now === "resting" || now === "opening";
  const span = isResting ? SPAN_MS : Math.max(spanMs, (endedMs ?? at) - startedMs + 500);
  const fromMs = isResting ? Math.max(startedMs, at - span) : startedMs - span * 0.01;
  return { fromMs, toMs: fromMs + span, nowMs: endedMs ?? at, offsetMs: clock.offsetMs, faults };
}

function drawAll() {
  if (!run) return;
  const shown = view();
  for (const [index, place] of places.entries()) {
    const canvas = /** @type {HTMLCanvasElement} */ (place.querySelector("canvas"));
    drawLane(canvas, run.lanes[index], shown, coloursOf(canvas));
  }
  drawAxis(axis, shown, run.startedMs, coloursOf(axis));
}

/** @param {LaneFigures[]} figures */
function drawPictures(figures) {
  if (!run || figures.every(({ events }) => events === 0)) return;
  const [latency, weight] = [element("latency"), element("weight")];
  const tables = [element("latency-table"), element("weight-table")];
  const [latencyTable, weightTable] = /** @type {HTMLTableElement[]} */ (tables);
  drawLatencies(latency, latencyTable, run.lanes, titleOf, run.clock.offsetMs);
  drawWeights(weight, weightTable, figures, titleOf);
}

/** Draw all again: the window, or the theme, is another. */
function redraw() {
  drawAll();
  drawPictures(figuresNow());
}

/** Draw, and go on until the run is over. */
function draw() {
  const mine = run;
  if (!mine) return;
  const at = nowMs();
  if (at - drawnMs >= (calm.matches ? 1_000 : 100)) {
    drawnMs = at;
    drawAll();
    showStates();
    const figures = figuresNow();
    showFigures(figures);
    showServer();
    if (mine.phase === "running") showPhase();
    if (at - picturedMs >= PICTURES_MS) {
      picturedMs = at;
      drawPictures(figures);
    }
  }
  if (!mine.isOver && !mine.isClosed) requestAnimationFrame(draw);
}

/** @param {Run} done */
function showSummary(done) {
  drawAll();
  showStates();
  const figures = figuresNow();
  showFigures(figures);
  showServer();
  drawPictures(figures);
  for (const [index, { name, events, requests, longestMs }] of figures.entries()) {
    const words = requests === 1 ? texts.requestOne : fill(texts.requestMany, { n: count(requests) });
    const values = { lane: titleOf(name), events: count(events), requests: words, longest: duration(longestMs) };
    places[index].querySelector("canvas")?.setAttribute("aria-label", fill(texts.timelineWords, values));
  }
  element("sentences").replaceChildren(
    ...sentencesOf(done, figures, titleOf).map((sentence) => Object.assign(document.createElement("li"), { textContent: sentence })),
  );
  const query = queryOf(done.experiment);
  history.replaceState(null, "", `?${query}`);
  /** @type {HTMLAnchorElement} */ (element("link")).href = `?${query}`;
  element("copied").textContent = "";
  element("summary").hidden = false;
}

// Taking it along

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    element("copied").textContent = texts.copied;
  } catch {
    element("copied").textContent = texts.copyFailed;
  }
}

const link = () => /** @type {HTMLAnchorElement} */ (element("link")).href;

// One lab a browser

function showElsewhere() {
  run?.close();
  run = null;
  for (const button of starts) button.disabled = true;
  stopButton.hidden = true;
  showWords(texts.elsewhere, "elsewhere");
  element("elsewhere").hidden = false;
}

function begin() {
  element("elsewhere").hidden = true;
  for (const button of starts) button.disabled = false;
  const { experiment, odd, isGiven } = experimentFrom(new URLSearchParams(location.search));
  showSettings(experiment);
  if (isGiven) void perform(experiment);
  else void rest();
  if (odd.length > 0) {
    notice.textContent = fill(texts.linkOdd, { what: odd.join(" ") });
    notice.hidden = false;
  }
}

element("settings").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!isBusy()) void perform(settings());
});
element("one").addEventListener("click", () => void post("one"));
element("burst").addEventListener("click", () => void post("burst"));
stopButton.addEventListener("click", () => void run?.stop().catch(tell));
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".fault"))) {
  button.addEventListener("click", () => void breakSomething(button));
}
element("copy-table").addEventListener("click", () => void copy(tabbed(table)));
element("copy-link").addEventListener("click", () => void copy(link()));
element("save-json").addEventListener("click", () => run && save("lab.json", "application/json", asJson(run, figuresNow(), link())));
element("save-csv").addEventListener("click", () => run && save("lab.csv", "text/csv", asCsv(run)));
addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });

element("take-over").addEventListener("click", beAlone({ begin, giveWay: showElsewhere }));
