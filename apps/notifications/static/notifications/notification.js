/**
 * What the events of the topic `notifications` carry.
 *
 * @typedef {object} Notification
 * @property {number} id
 * @property {string} title
 * @property {string} message
 * @property {"info" | "success" | "warning" | "critical"} level
 * @property {string} link
 * @property {string} posted_by
 * @property {string} posted_at  ISO 8601
 */

/**
 * Return a link that is safe to click: the server takes no other, and we don't trust it blindly.
 *
 * @param {string} link
 * @returns {string | null}
 */
export function safeLink(link) {
  if (!link) return null;
  try {
    const url = new URL(link, location.href);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
