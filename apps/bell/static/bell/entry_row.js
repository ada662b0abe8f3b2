/** One notification, written into a row of the list or into a toast. */

import { safeLink } from "../notifications/notification.js";
import { say } from "./words.js";

/** @import {Entry} from "./inbox.js" */

const timeFormat = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

/**
 * Return a copy of the one element in a `<template>`, with the notification in it. All of it is text, never markup.
 *
 * @param {string} templateId
 * @param {Entry} entry
 */
export function rowOf(templateId, entry) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(templateId));
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const row = /** @type {HTMLElement} */ (copy.firstElementChild);
  row.dataset.id = String(entry.id);
  row.dataset.level = entry.level;
  write(row, ".bell-level", say(entry.level));
  write(row, ".bell-entry-title", entry.title);
  write(row, ".bell-entry-message", entry.message);

  const link = /** @type {HTMLAnchorElement} */ (row.querySelector(".bell-more"));
  const href = safeLink(entry.link);
  if (href === null) link.remove();
  else link.href = href;

  const time = row.querySelector("time");
  const date = new Date(entry.posted_at);
  if (time && !Number.isNaN(date.getTime())) {
    time.dateTime = entry.posted_at;
    time.textContent = timeFormat.format(date);
  }
  return row;
}

/**
 * @param {HTMLElement} row
 * @param {string} selector
 * @param {string} text
 */
function write(row, selector, text) {
  const place = /** @type {HTMLElement | null} */ (row.querySelector(selector));
  if (!place) return; // a toast leaves things out
  place.textContent = text;
  place.hidden = text === "";
}
