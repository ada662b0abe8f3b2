/** What a visitor takes along: a table, JSON, CSV. */

/** @import {LaneFigures} from "./figures.js" */
/** @import {Run} from "./run.js" */

/**
 * Return a table's text, with tabs between its cells: what a spreadsheet takes.
 *
 * @param {HTMLTableElement} table
 */
export function tabbed(table) {
  return [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim()).join("\t")).join("\n");
}

/**
 * @param {Run} run
 * @param {LaneFigures[]} figures
 * @param {string} link
 */
export function asJson(run, figures, link) {
  const { experiment, clock, faults, lanes, startedMs, endedMs, latest } = run;
  const events = Object.fromEntries(
    lanes.map(({ name, arrivals }) => [name, arrivals.map(({ seq, appendedMs, arrivedMs }) => [seq, appendedMs, arrivedMs])]),
  );
  const about = { link, startedMs, endedMs, experiment, clock, faults };
  return JSON.stringify({ ...about, figures, server: latest, columns: ["seq", "appendedMs", "arrivedMs"], events }, null, 1);
}

/**
 * One line a delivery; times in milliseconds since 1970, the append's by the server's clock.
 *
 * @param {Run} run
 */
export function asCsv({ lanes, clock }) {
  const lines = ["lane,seq,appended_ms,arrived_ms,latency_ms"];
  for (const { name, arrivals } of lanes) {
    for (const { seq, appendedMs, arrivedMs } of arrivals) {
      const latencyMs = Math.max(0, arrivedMs + clock.offsetMs - appendedMs);
      lines.push([name, seq, appendedMs, arrivedMs.toFixed(1), latencyMs.toFixed(1)].join(","));
    }
  }
  return lines.join("\r\n") + "\r\n"; // RFC 4180
}

/**
 * Hand a text to the visitor as a file.
 *
 * @param {string} name
 * @param {string} type
 * @param {string} text
 */
export function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
