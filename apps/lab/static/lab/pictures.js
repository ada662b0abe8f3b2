/** The two pictures below the lanes, as SVG: how late, and how heavy. */

import { texts } from "../demos/page.js";
import { histogram, LATENCY_BOUNDS_MS, latencies } from "./figures.js";
import { count, duration, size } from "./numbers.js";

/** @import {LaneFigures} from "./figures.js" */
/** @import {Lane} from "./lane.js" */

const SVG = "http://www.w3.org/2000/svg";
const BARS = LATENCY_BOUNDS_MS.length + 1;
const HEIGHT = 44;

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {Element[]} [children]
 */
function svg(name, attributes, children = []) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, String(value));
  element.append(...children);
  return element;
}

/**
 * @param {string} name
 * @param {string} className
 * @param {(Node | string)[]} children
 */
function html(name, className, children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** @param {number} bar */
function barTitle(bar) {
  return bar < LATENCY_BOUNDS_MS.length
    ? `≤ ${duration(LATENCY_BOUNDS_MS[bar])}`
    : `> ${duration(LATENCY_BOUNDS_MS[BARS - 2])}`;
}

/**
 * Draw a histogram a lane, all on the same scale, and the table of the same numbers.
 *
 * @param {HTMLElement} place
 * @param {HTMLTableElement} table
 * @param {Lane[]} lanes
 * @param {(name: string) => string} titleOf
 * @param {number} offsetMs
 */
export function drawLatencies(place, table, lanes, titleOf, offsetMs) {
  const counts = lanes.map((lane) => histogram(latencies(lane.arrivals, offsetMs)));
  const most = Math.max(1, ...counts.flat());
  place.replaceChildren(
    ...lanes.map(({ name }, place) => {
      const bars = counts[place].map((events, bar) => {
        // The root, so that the one late event among thousands is seen.
        const height = events === 0 ? 0 : Math.max(2, Math.sqrt(events / most) * HEIGHT);
        return svg("rect", { x: bar * 10 + 0.75, y: HEIGHT - height, width: 8.5, height, class: "bar" });
      });
      const floor = svg("path", { d: `M0 ${HEIGHT}H${BARS * 10}`, class: "floor" });
      const picture = svg("svg", { viewBox: `0 0 ${BARS * 10} ${HEIGHT + 1}`, preserveAspectRatio: "none" }, [floor, ...bars]);
      return html("div", `histogram line-${name}`, [html("span", "line-name", [titleOf(name)]), picture]);
    }),
    html("div", "histogram-axis", [
      html("span", "", []),
      html("div", "", [0, 4, 7, 10].map((bar) => html("span", `at-${bar}`, [duration(LATENCY_BOUNDS_MS[bar])]))),
    ]),
  );
  const head = /** @type {HTMLTableRowElement} */ (table.tHead?.rows[0]);
  head.replaceChildren(
    html("td", "", []),
    ...counts[0].map((_, bar) => {
      const cell = html("th", "", [barTitle(bar)]);
      cell.setAttribute("scope", "col");
      return cell;
    }),
  );
  table.tBodies[0].replaceChildren(
    ...lanes.map(({ name }, row) => tableRow(titleOf(name), counts[row].map((events) => count(events)))),
  );
}

/**
 * Draw what an event weighs on each lane, and the table of the same numbers.
 *
 * @param {HTMLElement} place
 * @param {HTMLTableElement} table
 * @param {LaneFigures[]} figures
 * @param {(name: string) => string} titleOf
 */
export function drawWeights(place, table, figures, titleOf) {
  const weights = figures.map(({ name, events, downBytes, upBytes, eventBytes }) => {
    const each = (/** @type {number} */ bytes) => (events ? bytes / events : 0);
    const down = downBytes ?? 0;
    return { name, itself: each(eventBytes), around: each(Math.max(0, down - eventBytes)), sent: each(upBytes ?? 0) };
  });
  const most = Math.max(1, ...weights.map(({ itself, around, sent }) => itself + around + sent));
  place.replaceChildren(
    ...weights.map(({ name, itself, around, sent }) => {
      let x = 0;
      const parts = [itself, around, sent].map((bytes, part) => {
        const width = (bytes / most) * 1000;
        const bar = svg("rect", { x, y: 0, width, height: 20, class: `part-${part}` });
        x += width;
        return bar;
      });
      const picture = svg("svg", { viewBox: "0 0 1000 20", preserveAspectRatio: "none" }, parts);
      return html("div", `weight line-${name}`, [
        html("span", "line-name", [titleOf(name)]),
        picture,
        html("span", "figures", [size(itself + around + sent)]),
      ]);
    }),
    html("p", "parts", [texts.eventItself, texts.down, texts.up].map((words, part) => html("span", `part-${part}`, [words]))),
  );
  table.tBodies[0].replaceChildren(
    ...weights.map(({ name, itself, around, sent }) => tableRow(titleOf(name), [itself, around, sent].map(size))),
  );
}

/**
 * @param {string} title
 * @param {string[]} cells
 */
function tableRow(title, cells) {
  const head = html("th", "", [title]);
  head.setAttribute("scope", "row");
  return html("tr", "", [head, ...cells.map((cell) => html("td", "", [cell]))]);
}
