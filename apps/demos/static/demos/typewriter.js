/** The typewriter page: a question, and an answer that types itself until it ends or is stopped. */

import { askByFetch, askBySse } from "./answer_stream.js";
import { element, fill, language, texts } from "./page.js";

/** @import {AnswerFrame} from "./answer_stream.js" */

// Servers and proxies refuse long addresses, most from 8 KiB on; by fetch the question is in the body.
const LONGEST_ADDRESS = 8_000;

const form = /** @type {HTMLFormElement} */ (element("ask"));
const input = /** @type {HTMLTextAreaElement} */ (element("question"));
const askButton = /** @type {HTMLButtonElement} */ (element("ask-button"));
const stopButton = /** @type {HTMLButtonElement} */ (element("stop-button"));
const paper = element("paper");
const asked = element("asked");
const answer = element("answer");
const status = element("status");
const sourcesBox = element("sources-box");
const sourcesList = element("sources");
const seconds = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

/** The answer under way, if there is one. @type {AbortController | null} */
let current = null;

async function ask() {
  const q = input.value.trim();
  if (!q) {
    status.textContent = texts.empty;
    input.focus();
    return;
  }
  const bySse = new FormData(form).get("way") === "sse";
  if (bySse && encodeURIComponent(q).length > LONGEST_ADDRESS) {
    status.textContent = texts.tooLongForAddress;
    return;
  }
  current?.abort();
  const stopping = (current = new AbortController());
  const startedAt = performance.now();
  let pieces = 0;
  let failure = "";
  begin(q);

  /** @param {AnswerFrame} frame */
  const show = (frame) => {
    if (stopping.signal.aborted) return;
    if (frame.type === "text") {
      pieces += 1;
      answer.append(frame.text);
      status.textContent = texts.answering;
    } else if (frame.type === "sources") {
      showSources(frame.sources);
    } else if (frame.type === "error") {
      failure = `${frame.error.message} ${frame.error.hint}`;
    } else if (frame.type === "done") {
      failure = "";
    }
  };

  let words;
  try {
    await (bySse ? askBySse : askByFetch)({ q, lang: language }, stopping.signal, show);
    const values = { pieces, seconds: seconds.format((performance.now() - startedAt) / 1000) };
    words = failure ? fill(texts.failed, { reason: failure }) : fill(texts.done, values);
  } catch (error) {
    const reason = pieces > 0 ? texts.cut : texts.unreachable;
    words = stopping.signal.aborted ? fill(texts.stopped, { pieces }) : fill(texts.failed, { reason });
  }
  if (current === stopping) end(words);
}

/** @param {string} question */
function begin(question) {
  paper.hidden = false;
  paper.setAttribute("aria-busy", "true"); // so that a screen reader reads the answer once it is whole
  paper.classList.add("is-typing");
  asked.textContent = question;
  answer.replaceChildren();
  sourcesList.replaceChildren();
  sourcesBox.hidden = true;
  status.textContent = texts.asking;
  stopButton.disabled = false;
}

/** @param {string} words */
function end(words) {
  current = null;
  paper.setAttribute("aria-busy", "false");
  paper.classList.remove("is-typing");
  status.textContent = words;
  if (document.activeElement === stopButton) askButton.focus();
  stopButton.disabled = true;
}

/** @param {{title: string, url: string, quoted: boolean}[]} sources */
function showSources(sources) {
  sourcesBox.hidden = sources.length === 0;
  sourcesList.replaceChildren(
    ...sources.map(({ title, url, quoted }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      const { href, protocol } = new URL(url, location.href);
      if (protocol === "https:" || protocol === "http:") link.href = href;
      link.textContent = title;
      item.append(link);
      if (!quoted) item.append(` ${texts.alsoWorthReading}`);
      return item;
    }),
  );
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});

input.addEventListener("keydown", (event) => {
  // isComposing: Enter then picks a word of an input method. Safari says so only by the old key code 229.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  form.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") current?.abort();
});
stopButton.addEventListener("click", () => current?.abort());

for (const example of document.querySelectorAll(".example")) {
  example.addEventListener("click", () => {
    input.value = example.textContent?.trim() ?? "";
    form.requestSubmit();
  });
}
