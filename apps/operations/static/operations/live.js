/** The Live page: one card a process, written anew with each message of the stream. */

/**
 * @typedef {object} Figures  what apps/operations/figures.py says of one process
 * @property {string} process
 * @property {boolean} draining
 * @property {number} silent_s
 * @property {number} uptime_s
 * @property {number} memory_bytes
 * @property {number} processor_s
 * @property {number} threads
 * @property {Record<string, number>} connections
 * @property {number} appended
 * @property {number} publish_errors
 * @property {number} delivered
 * @property {number | null} latency_p99_s
 * @property {number | null} lag_s
 * @property {boolean} layer_well
 * @property {number} hints_lost
 * @property {number} resets
 * @property {number} stalled_cut
 */

const RETRY_MS = 2_000;
const SILENT_S = 6; // three rounds without an answer
const LAGS_S = 5;
const NONE = "–";

const language = document.documentElement.lang;
const number = new Intl.NumberFormat(language);
const oneDecimal = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
/** @param {string} unit */
const inUnit = (unit) => new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 });
const [megabytes, milliseconds, seconds, minutes, hours, days] =
  ["megabyte", "millisecond", "second", "minute", "hour", "day"].map(inUnit);

const page = /** @type {HTMLElement} */ (document.getElementById("live"));
const stateLine = /** @type {HTMLElement} */ (document.getElementById("live-state"));
const list = /** @type {HTMLElement} */ (document.getElementById("live-processes"));
const template = /** @type {HTMLTemplateElement} */ (document.getElementById("live-process"));

/**
 * The last two answers of each process that differ: one shown again is no new point in time.
 *
 * @type {Map<string, {earlier: Figures | null, latest: Figures}>}
 */
let known = new Map();

/** @param {"connecting" | "live" | "lost" | "refused"} state */
function showState(state) {
  // A status line is read out when it is written: only when it changes.
  if (stateLine.dataset.state === state) return;
  stateLine.dataset.state = state;
  stateLine.textContent = page.dataset[state] ?? "";
}

/** @param {number} value  in seconds */
function duration(value) {
  if (value < 1) return milliseconds.format(value * 1000);
  if (value < 120) return seconds.format(value);
  if (value < 7_200) return minutes.format(value / 60);
  return value < 172_800 ? hours.format(value / 3_600) : days.format(value / 86_400);
}

/**
 * How much a total grew per second between the last two answers.
 *
 * @param {Figures} now
 * @param {"delivered" | "processor_s"} total
 * @returns {number | null}  null where there is nothing to compare with yet
 */
function rate(now, total) {
  const earlier = known.get(now.process)?.earlier;
  const passedS = earlier ? now.uptime_s - earlier.uptime_s : 0;
  return earlier && passedS > 0 ? (now[total] - earlier[total]) / passedS : null;
}

/**
 * @param {HTMLElement} card
 * @param {string} figure
 * @param {string} text
 * @param {boolean} [isBad]
 */
function write(card, figure, text, isBad = false) {
  const place = /** @type {HTMLElement} */ (card.querySelector(`[data-figure="${figure}"]`));
  place.textContent = text;
  place.classList.toggle("live-bad", isBad);
  return place;
}

/** @param {Figures} now */
function cardOf(now) {
  const fragment = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const card = /** @type {HTMLElement} */ (fragment.firstElementChild);
  /** @param {string} selector */
  const part = (selector) => /** @type {HTMLElement} */ (card.querySelector(selector));
  part(".live-name").textContent = now.process;
  part(".live-draining").hidden = !now.draining;
  if (now.silent_s >= SILENT_S) {
    const silent = part(".live-silent");
    silent.textContent = (silent.dataset.text ?? "").replace("{seconds}", number.format(Math.round(now.silent_s)));
    silent.hidden = false;
    card.dataset.silent = "";
  }
  for (const figure of /** @type {const} */ (["delivered", "appended", "resets", "threads", "hints_lost"])) {
    write(card, figure, number.format(now[figure]));
  }
  for (const figure of /** @type {const} */ (["publish_errors", "stalled_cut"])) {
    write(card, figure, number.format(now[figure]), now[figure] > 0);
  }
  const open = Object.entries(now.connections).sort();
  const connections = write(card, "connections", open.map(([door, n]) => `${door} ${number.format(n)}`).join(" · "));
  if (open.length === 0) connections.textContent = connections.dataset.none ?? NONE;
  const layer = write(card, "layer_well", "", !now.layer_well);
  layer.textContent = (now.layer_well ? layer.dataset.yes : layer.dataset.no) ?? "";
  const deliveredRate = rate(now, "delivered");
  write(card, "delivered_rate", deliveredRate === null ? NONE : oneDecimal.format(deliveredRate));
  const processorShare = rate(now, "processor_s");
  write(card, "processor_share", processorShare === null ? NONE : percent.format(processorShare));
  write(card, "latency_p99_s", now.latency_p99_s === null ? NONE : duration(now.latency_p99_s));
  write(card, "lag_s", now.lag_s === null ? NONE : duration(now.lag_s), (now.lag_s ?? 0) > LAGS_S);
  write(card, "memory_bytes", megabytes.format(now.memory_bytes / 1e6));
  write(card, "uptime_s", duration(now.uptime_s));
  return card;
}

/** @param {Figures[]} processes */
function show(processes) {
  known = new Map(
    processes.map((now) => {
      const was = known.get(now.process);
      return [now.process, was?.latest.uptime_s === now.uptime_s ? was : { earlier: was?.latest ?? null, latest: now }];
    }),
  );
  list.replaceChildren(...processes.map(cardOf));
}

function watch() {
  const source = new EventSource(page.dataset.stream ?? "");
  source.addEventListener("message", ({ data }) => {
    show(JSON.parse(data).processes);
    showState("live");
  });
  source.addEventListener("error", () => {
    const isRefused = source.readyState === EventSource.CLOSED;
    showState(isRefused ? "refused" : "lost");
    // Refused may also mean a proxy that finds no process for now, after which an EventSource never tries again.
    if (isRefused) setTimeout(watch, RETRY_MS);
  });
}

watch();
