/** @import {Door, Place, Site} from "./registry.js" */

/**
 * Write the address of a door of the feed: where it is, which topics, after which place.
 *
 * `last` goes along with `after`: the server starts at `after`, and needs `last` only where it must reset.
 *
 * @param {Door} door
 * @param {Place & Record<string, any>} query  the place to read from, and what else the door takes (`limit`, `timeout`)
 * @param {Site} site
 * @returns {URL}
 */
export function feedUrl(door, { topics, ...rest }, { baseUrl, paths, environment }) {
  const path = paths[door.transportName] ?? door.path;
  const url = new URL(baseUrl.replace(/\/+$/, "") + path, environment.href);
  for (const topic of topics) url.searchParams.append("topic", topic);
  for (const [name, value] of Object.entries(rest)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

/**
 * Tell the bytes of a request as far as the page can know them: its path and query, without the browser's headers.
 *
 * @param {URL} url
 */
export function requestBytes({ pathname, search }) {
  return pathname.length + search.length; // both are ASCII: the rest is escaped
}
