/** Numbers as people write them. */

import { fill, language, texts } from "../demos/page.js";

const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat(language, { maximumFractionDigits: 1, signDisplay: "negative" });
const NONE = "–";

/** @param {number | null} value */
export function count(value) {
  return value === null ? NONE : whole.format(value);
}

/** @param {number | null} ms */
export function duration(ms) {
  if (ms === null) return NONE;
  if (ms < 10) return fill(texts.ms, { n: oneDecimal.format(ms) });
  if (ms < 1_000) return fill(texts.ms, { n: whole.format(ms) });
  return fill(texts.s, { n: oneDecimal.format(ms / 1_000) });
}

/** @param {number | null} bytes */
export function size(bytes) {
  if (bytes === null) return NONE;
  if (bytes < 1_000) return fill(texts.bytes, { n: whole.format(bytes) });
  if (bytes < 1e6) return fill(texts.kilobytes, { n: (bytes < 10_000 ? oneDecimal : whole).format(bytes / 1_000) });
  return fill(texts.megabytes, { n: oneDecimal.format(bytes / 1e6) });
}

/** @param {number} count */
export function requests(count) {
  return count === 1 ? texts.requestOne : fill(texts.requestMany, { n: whole.format(count) });
}
