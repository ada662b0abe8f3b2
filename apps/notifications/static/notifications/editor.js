/**
 * The editors' desk: a preview of the notification as it is typed, and a count of its characters.
 *
 * It only reads the form and writes text; what may be posted is decided by the server.
 */

const LEVELS = ["info", "success", "warning", "critical"];

/**
 * Say whether a link would be offered to readers: http(s), or a path of this site. The server's rule is in validators.py.
 *
 * @param {string} link
 * @returns {boolean}
 */
export function isLink(link) {
  if (/[\s\\]/u.test(link)) return false;
  if (link.startsWith("/")) return !link.startsWith("//");
  try {
    return ["http:", "https:"].includes(new URL(link).protocol);
  } catch {
    return false;
  }
}

/**
 * Return the length of `text` as the server counts it: in code points, a line break as one.
 *
 * @param {string} text
 * @returns {number}
 */
export function countCharacters(text) {
  return [...text.trim().replace(/\r\n?/g, "\n")].length;
}

/**
 * Put values into a translated text: `fill("{count} left", {count: 3})` is "3 left".
 *
 * @param {string} text
 * @param {Record<string, number>} values
 * @returns {string}
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/**
 * Keep the preview beside the form in step with it.
 *
 * @param {HTMLElement} preview the `aside` that holds the card and, in its dataset, the texts
 * @param {HTMLFormElement} form
 */
export function startPreview(preview, form) {
  const card = /** @type {HTMLElement} */ (preview.querySelector(".notification-card"));
  const part = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (card.querySelector(`.notification-card-${name}`));

  const update = () => {
    const content = new FormData(form);
    const text = (/** @type {string} */ name) => String(content.get(name) ?? "").trim();

    card.dataset.level = LEVELS.includes(text("level")) ? text("level") : "info";
    const chosen = form.querySelector(`input[name="level"]:checked`);
    part("level").textContent = chosen?.closest("label")?.textContent?.trim() ?? "";

    part("title").textContent = text("title") || preview.dataset.untitled || "";
    part("title").classList.toggle("is-placeholder", !text("title"));
    part("message").textContent = text("message");
    part("message").hidden = !text("message");
    // Words, not a link: a click on a half-written address would leave the form.
    /** @type {HTMLElement} */ (part("link").querySelector("small")).textContent = text("link");
    part("link").hidden = !isLink(text("link"));
  };

  form.addEventListener("input", update);
  form.addEventListener("change", update);
  // A browser that comes back to this page fills the form in after the scripts ran.
  window.addEventListener("pageshow", update);
  update();
  preview.hidden = false;
}

/**
 * Count the characters of a field below it.
 *
 * @param {HTMLInputElement | HTMLTextAreaElement} field with `data-limit`
 * @param {DOMStringMap} texts `counted` and `tooLong`
 */
export function startCount(field, texts) {
  const limit = Number(field.dataset.limit);
  const count = document.createElement("div");
  count.className = "notification-count help";
  count.id = `${field.id}_count`;
  field.closest(".form-row")?.append(count);
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${count.id}`.trim());

  const update = () => {
    const length = countCharacters(field.value);
    const text = (length > limit ? texts.tooLong : texts.counted) ?? "";
    count.textContent = fill(text, { count: length, limit, over: length - limit });
    count.classList.toggle("is-over", length > limit);
  };

  field.addEventListener("input", update);
  window.addEventListener("pageshow", update);
  update();
}

/**
 * Show only the fields of the chosen kind of audience, and how many people that is.
 *
 * @param {HTMLFormElement} form
 * @param {DOMStringMap} texts `sizeUrl`, and the words for how many
 */
export function startAudience(form, texts) {
  const count = document.createElement("div");
  count.className = "notification-size help";
  count.setAttribute("role", "status");
  form.querySelector(".form-row.field-audience")?.append(count);
  let asked = 0;

  const update = async () => {
    const content = new FormData(form);
    const kind = String(content.get("audience") ?? "");
    for (const field of ["groups", "people"]) {
      const row = /** @type {HTMLElement | null} */ (form.querySelector(`.form-row.field-${field}`));
      if (row) row.hidden = field !== kind;
    }
    const query = new URLSearchParams({ audience: kind });
    for (const pk of content.getAll(kind)) query.append(kind, String(pk));
    const number = ++asked;
    const answer = await fetch(`${texts.sizeUrl}?${query}`);
    if (!answer.ok || number !== asked) return; // another choice was made meanwhile
    const { size } = await answer.json();
    const words = size === 0 ? texts.sizeNone : size === 1 ? texts.sizeOne : texts.sizeMany;
    count.textContent = fill((kind === "everyone" ? texts.sizeEveryone : words) ?? "", { count: size });
  };

  // The admin's search fields announce changes to jQuery only.
  /** @type {any} */ (window).django.jQuery(form).on("change", "[name=audience], [name=groups], [name=people]", update);
  window.addEventListener("pageshow", update);
  update();
}

const preview = /** @type {HTMLElement | null} */ (document.querySelector(".notification-preview"));
const form = preview?.closest("form");
// A reader without permission to change gets texts instead of fields: the preview would be of nothing.
if (preview && form?.elements.namedItem("title")) {
  startPreview(preview, form);
  if (form.elements.namedItem("audience")) startAudience(form, preview.dataset);
  for (const field of form.querySelectorAll("[data-limit]")) {
    startCount(/** @type {HTMLInputElement} */ (field), preview.dataset);
  }
}
