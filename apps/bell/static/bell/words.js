/** What the bell says, in the page's language. */

/** @type {Record<string, string>} */
const texts = JSON.parse(document.getElementById("bell-texts")?.textContent ?? "{}");

/**
 * Return a text, with values put into its places, written `{name}`.
 *
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
export function say(name, values = {}) {
  return (Object.hasOwn(texts, name) ? texts[name] : name).replace(/\{(\w+)\}/g, (place, key) => String(values[key] ?? place));
}
