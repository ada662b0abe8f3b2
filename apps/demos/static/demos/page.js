/** What a page's module finds in its page. */

/**
 * Return the element with this id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 * @throws {Error} the page has none
 */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element with the id '${id}'; look into its template`);
  return found;
}

/**
 * The words that scripts show, in the page's language; the view hands them over.
 *
 * @type {Record<string, string>}
 */
export const texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

/** The page's language, for numbers and dates. */
export const language = document.documentElement.lang;

/**
 * Put values into a text's places, written `{name}`.
 *
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));
}

/**
 * Return a fresh copy of the one element in a `<template>`.
 *
 * @param {string} id  of the template
 */
export function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (element(id));
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  return /** @type {HTMLElement} */ (copy.firstElementChild);
}

/**
 * Write text into the one descendant that a selector finds.
 *
 * @param {Element} parent
 * @param {string} selector
 * @param {string} text
 * @returns {HTMLElement}
 */
export function write(parent, selector, text) {
  const found = /** @type {HTMLElement} */ (parent.querySelector(selector));
  found.textContent = text;
  return found;
}
