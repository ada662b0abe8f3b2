/**
 * The timelines: what the front page draws from theory, drawn from measurements. The browser is the upper rail, the
 * server the lower; a request goes up to down, an event from where it was appended to where it arrived.
 */

import { fill, texts } from "../demos/page.js";

/** @import {Lane} from "./lane.js" */
/** @import {FaultRecord} from "./run.js" */

/**
 * @typedef {object} View  the stretch of time that is shown, by our clock
 * @property {number} fromMs
 * @property {number} toMs
 * @property {number} nowMs
 * @property {number} offsetMs  the server's clock minus ours
 * @property {FaultRecord[]} faults
 *
 * @typedef {object} Colours
 * @property {string} line
 * @property {string} ink
 * @property {string} soft
 * @property {string} rule
 */

const TOP = 12;
const BOTTOM = 12;
const DOT = 2.25;
const LEAST_FAULT_PX = 3;
const STEPS_S = [1, 2, 5, 10, 20, 30, 60];
const PX_A_STEP = 70;

/**
 * Make a canvas as fine as the screen, and clear it.
 *
 * @param {HTMLCanvasElement} canvas
 */
function prepared(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/**
 * Find the colours that hold for an element, in the theme of the moment.
 *
 * @param {HTMLElement} place  has elements that show them; see lab.css
 * @returns {Colours}
 */
export function coloursOf(place) {
  const style = getComputedStyle(place);
  return { line: style.color, ink: style.columnRuleColor, soft: style.outlineColor, rule: style.textDecorationColor };
}

/**
 * Where on the canvas a moment is.
 *
 * @param {View} view
 * @param {number} width
 */
function scaleOf({ fromMs, toMs }, width) {
  return (/** @type {number} */ ms) => ((ms - fromMs) / (toMs - fromMs)) * width;
}

/**
 * Draw one lane.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Lane | undefined} lane
 * @param {View} view
 * @param {Colours} colours
 */
export function drawLane(canvas, lane, view, colours) {
  const { context, width, height } = prepared(canvas);
  const x = scaleOf(view, width);
  const browserY = TOP;
  const serverY = height - BOTTOM;

  drawFaults(context, view, x, height, colours);

  context.fillStyle = colours.line;
  context.strokeStyle = colours.rule;
  context.lineWidth = 1;
  context.beginPath();
  for (const y of [browserY, serverY]) {
    context.moveTo(0, y + 0.5);
    context.lineTo(width, y + 0.5);
  }
  context.stroke();
  if (!lane) return;

  // Held: from the request to its end. Drawn first, so that all else is on it.
  context.globalAlpha = 0.14;
  for (const { sentMs, endedMs } of lane.requests) {
    const left = Math.max(0, x(sentMs));
    const right = Math.min(width, x(endedMs ?? view.nowMs));
    if (right < 0 || left > width) continue;
    context.fillRect(left, browserY, Math.max(1, right - left), serverY - browserY);
  }

  context.globalAlpha = 0.75;
  context.strokeStyle = colours.soft;
  context.beginPath();
  let drawn = -1;
  for (const { sentMs } of lane.requests) {
    const at = Math.round(x(sentMs)) + 0.5;
    if (at === drawn || at < 0 || at > width) continue;
    drawn = at;
    context.moveTo(at, browserY);
    context.lineTo(at, serverY);
  }
  context.stroke();

  // Thousands of events share few pixels: each different line once.
  const lines = new Set();
  const dots = new Set();
  context.globalAlpha = lane.arrivals.length > 400 ? 0.5 : 0.85;
  context.strokeStyle = colours.line;
  context.lineWidth = lane.arrivals.length > 400 ? 1 : 1.5;
  context.beginPath();
  for (const { appendedMs, arrivedMs } of lane.arrivals) {
    const from = Math.round(x(appendedMs - view.offsetMs) * 2) / 2;
    const to = Math.round(x(arrivedMs) * 2) / 2;
    if (to < 0 || from > width) continue;
    const key = from * 100_000 + to;
    if (lines.has(key)) continue;
    lines.add(key);
    dots.add(to);
    context.moveTo(Math.min(from, to), serverY);
    context.lineTo(to, browserY);
  }
  context.stroke();
  context.globalAlpha = 1;
  for (const at of dots) {
    context.beginPath();
    context.arc(at, browserY, DOT, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {(ms: number) => number} x
 * @param {number} height
 * @param {Colours} colours
 */
function drawFaults(context, { faults }, x, height, colours) {
  for (const { atMs, untilMs } of faults) {
    const left = x(atMs);
    const width = Math.max(LEAST_FAULT_PX, x(untilMs) - left);
    context.globalAlpha = 0.1;
    context.fillStyle = colours.ink;
    context.fillRect(left, 0, width, height);
    // Hatched too, for eyes that don't part two greys.
    context.globalAlpha = 0.3;
    context.strokeStyle = colours.ink;
    context.lineWidth = 1;
    context.save();
    context.beginPath();
    context.rect(left, 0, width, height);
    context.clip();
    context.beginPath();
    for (let start = left - height; start < left + width; start += 8) {
      context.moveTo(start, height);
      context.lineTo(start + height, 0);
    }
    context.stroke();
    context.restore();
  }
  context.globalAlpha = 1;
}

/**
 * Draw the axis: seconds since the start, and the names of the faults.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {View} view
 * @param {number} startedMs
 * @param {Colours} colours
 */
export function drawAxis(canvas, view, startedMs, colours) {
  const { context, width, height } = prepared(canvas);
  const x = scaleOf(view, width);
  const spanS = (view.toMs - view.fromMs) / 1000;
  const stepS = STEPS_S.find((step) => (step / spanS) * width >= PX_A_STEP) ?? 120;
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  context.textBaseline = "top";
  context.fillStyle = colours.soft;
  context.strokeStyle = colours.rule;
  context.lineWidth = 1;
  const firstS = Math.ceil((view.fromMs - startedMs) / 1000 / stepS) * stepS;
  for (let second = firstS; second <= firstS + spanS; second += stepS) {
    const at = x(startedMs + second * 1000);
    context.beginPath();
    context.moveTo(Math.round(at) + 0.5, 0);
    context.lineTo(Math.round(at) + 0.5, 5);
    context.stroke();
    const words = fill(texts.axisSeconds, { n: second });
    const textWidth = context.measureText(words).width;
    context.fillText(words, Math.min(width - textWidth, Math.max(0, at - textWidth / 2)), 8);
  }
  context.fillStyle = colours.ink;
  let free = 0;
  for (const { name, atMs } of view.faults) {
    const words = texts[`fault-${name}`];
    const textWidth = context.measureText(words).width;
    const left = Math.max(free, Math.min(width - textWidth, Math.max(0, x(atMs))));
    context.fillText(words, left, height - 16);
    free = left + textWidth + 12;
  }
}
