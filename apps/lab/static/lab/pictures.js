/** The two pictures below the lanes: how late, and how heavy. */

import { texts } from "../demos/page.js";
import { histogram, LATENCY_BOUNDS_MS, latencies } from "./figures.js";
import { count, duration, size } from "./numbers.js";
import uPlot from "./vendor/uplot-1.6.32.js";

/** @import {LaneFigures} from "./figures.js" */
/** @import {Lane} from "./lane.js" */

const BARS = LATENCY_BOUNDS_MS.length + 1;
const HEIGHT = 44;
const LEAST_BAR = 2 / HEIGHT;
const AXIS_HEIGHT = 24;
const WEIGHT_HEIGHT = 20;
const ROOT = 100; // uPlot's number for a scale of one's own
const AXIS_EDGES = [1, 5, 8, 11]; // the right ends of these bars are named
const EDGE_WORDS_PX = 20; // half of what the axis says at an edge

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

/**
 * Find the colours of a picture, in the theme of the moment; see lab.css.
 *
 * @param {HTMLElement} picture
 */
function coloursOf(picture) {
  const style = getComputedStyle(picture);
  return {
    line: style.color,
    pale: style.columnRuleColor,
    paper: style.backgroundColor,
    soft: style.outlineColor,
    rule: style.textDecorationColor,
  };
}

/** @param {HTMLElement} picture */
function axisFont(picture) {
  return `12px ${getComputedStyle(picture).fontFamily}`;
}

/** @param {number} bar */
function barTitle(bar) {
  return bar < LATENCY_BOUNDS_MS.length
    ? `≤ ${duration(LATENCY_BOUNDS_MS[bar])}`
    : `> ${duration(LATENCY_BOUNDS_MS[BARS - 2])}`;
}

/**
 * Return bars of one colour.
 *
 * @param {uPlot.Series.Stroke} fill
 * @param {uPlot.Series.BarsPathBuilderOpts} options
 * @returns {uPlot.Series}
 */
function bars(fill, options) {
  return { width: 0, fill, paths: uPlot.paths.bars?.(options), points: { show: false } };
}

/**
 * Put a chart into an element as wide as it is: no legend and no cursor, for a table holds the same numbers.
 *
 * @param {HTMLElement} place
 * @param {Pick<uPlot.Options, "height" | "series" | "scales" | "axes" | "padding">} options
 * @param {uPlot.AlignedData} data
 */
function chart(place, options, data) {
  const bare = { legend: { show: false }, cursor: { show: false } };
  new uPlot({ ...options, ...bare, width: place.clientWidth }, data, place);
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
  const least = most * LEAST_BAR ** 2;
  const pictures = lanes.map(() => html("div", "picture", []));
  place.replaceChildren(
    ...lanes.map(({ name }, row) => html("div", `histogram line-${name}`, [html("span", "line-name", [titleOf(name)]), pictures[row]])),
  );
  for (const [row, picture] of pictures.entries()) {
    const { line, soft, rule } = coloursOf(picture);
    const isLast = row === pictures.length - 1;
    /** @type {uPlot.Axis} */
    const edges = {
      size: isLast ? AXIS_HEIGHT : 0,
      splits: AXIS_EDGES,
      values: (_, splits) => splits.map((edge) => (isLast ? duration(LATENCY_BOUNDS_MS[edge - 1]) : "")),
      font: axisFont(picture),
      gap: 4,
      stroke: soft,
      grid: { stroke: rule, width: 1, dash: [1, 3] },
      ticks: { show: false },
      border: { show: true, stroke: rule, width: 1 },
    };
    const scales = {
      x: { time: false, range: /** @type {uPlot.Range.MinMax} */ ([0, BARS]) },
      // The root, so that the one late event among thousands is seen.
      y: { distr: ROOT, fwd: Math.sqrt, bwd: (/** @type {number} */ root) => root ** 2, range: /** @type {uPlot.Range.MinMax} */ ([0, most]) },
    };
    const series = [{}, bars(line, { align: 1, size: [0.86] })];
    const shown = counts[row].map((events) => (events === 0 ? null : Math.max(least, events)));
    const height = HEIGHT + (isLast ? AXIS_HEIGHT : 1);
    const padding = /** @type {uPlot.Padding} */ ([1, EDGE_WORDS_PX, isLast ? 0 : 1, 1]);
    chart(picture, { height, series, scales, axes: [edges, { show: false }], padding }, [shown.map((_, bar) => bar), shown]);
  }
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
  const weights = figures.map(({ name, talliedEvents, downBytes, upBytes, eventBytes }) => {
    const each = (/** @type {number} */ bytes) => (talliedEvents ? bytes / talliedEvents : 0);
    const down = downBytes ?? 0;
    return { name, itself: each(eventBytes), around: each(Math.max(0, down - eventBytes)), sent: each(upBytes ?? 0) };
  });
  const most = Math.max(1, ...weights.map(({ itself, around, sent }) => itself + around + sent));
  const pictures = weights.map(() => html("div", "picture", []));
  place.replaceChildren(
    ...weights.map(({ name, itself, around, sent }, row) =>
      html("div", `weight line-${name}`, [
        html("span", "line-name", [titleOf(name)]),
        pictures[row],
        html("span", "figures", [size(itself + around + sent)]),
      ]),
    ),
    html("p", "parts", [texts.eventItself, texts.down, texts.up].map((words, part) => html("span", `part-${part}`, [words]))),
  );
  for (const [row, picture] of pictures.entries()) {
    const { itself, around, sent } = weights[row];
    const { line, paper, pale } = coloursOf(picture);
    const scales = {
      x: { time: false, ori: /** @type {const} */ (1), range: /** @type {uPlot.Range.MinMax} */ ([-0.5, 0.5]) },
      y: { ori: /** @type {const} */ (0), range: /** @type {uPlot.Range.MinMax} */ ([0, most]) },
    };
    const whole = { size: /** @type {[number]} */ ([0.88]) }; // the rest is for the outline
    // The longest first: each of the others covers its beginning.
    const series = [{}, { ...bars(paper, whole), stroke: line, width: 1.5 }, bars(pale, whole), bars(line, whole)];
    const data = [[0], [itself + around + sent], [itself + around], [itself]];
    const padding = /** @type {uPlot.Padding} */ ([0, 1, 0, 0]);
    chart(picture, { height: WEIGHT_HEIGHT, series, scales, axes: [{ show: false }, { show: false }], padding }, /** @type {uPlot.AlignedData} */ (data));
  }
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
