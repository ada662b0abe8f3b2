/** @import {Environment} from "./environment.js" */
/** @import {Place} from "./registry.js" */

/**
 * Write the address of a door of the feed: where it is, which topics, after which place.
 *
 * `last` goes along with `after`: the server starts at `after`, and needs `last` only where it must reset.
 *
 * @param {string} path  the door's, such as `/feed/sse`
 * @param {Place & Record<string, any>} query  the place to read from, and what else the door takes (`limit`, `timeout`)
 * @param {{baseUrl: string, environment: Environment}} site  `baseUrl` may end in a path, and may be empty in a page
 * @returns {URL}
 */
export function feedUrl(path, { topics, ...rest }, { baseUrl, environment }) {
  const url = new URL(baseUrl.replace(/\/+$/, "") + path, environment.href);
  for (const topic of topics) url.searchParams.append("topic", topic);
  for (const [name, value] of Object.entries(rest)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}
