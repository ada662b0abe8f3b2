/**
 * An answer, piece by piece, in two ways: the same frames, see docs/ASSISTANT.md.
 *
 * @typedef {{type: "ready", language: string} | {type: "text", text: string} | {type: "done"}
 *   | {type: "sources", sources: {title: string, url: string, quoted: boolean}[]}
 *   | {type: "error", error: {code: string, message: string, hint: string}}} AnswerFrame
 *
 * @typedef {object} Question
 * @property {string} q
 * @property {string} lang  the page's language, for questions that don't show theirs
 *
 * @typedef {(question: Question, signal: AbortSignal, onFrame: (frame: AnswerFrame) => void) => Promise<void>} Ask
 *   resolves when the answer is over; rejects with an AbortError when `signal` stopped it, with a TypeError when the
 *   server could not be reached or the connection broke
 */

// #region shown
/** By fetch stream: any question fits into the body of a POST, and `signal` hangs up. @type {Ask} */
export async function askByFetch(question, signal, onFrame) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch("/assistant/answer", { method: "POST", headers, body: JSON.stringify(question), signal });
  if (!response.ok || !response.body) return onFrame({ type: "error", ...(await response.json()) });

  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = ""; // a chunk is not a line: what follows the last line break waits for its end
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onFrame(JSON.parse(line));
  }
}

/** By SSE: the question goes into the address, and closing the EventSource hangs up. @type {Ask} */
export function askBySse(question, signal, onFrame) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(`/assistant/answer/sse?${new URLSearchParams({ ...question })}`);
    signal.addEventListener("abort", () => (source.close(), reject(signal.reason)));
    for (const type of ["ready", "text", "sources", "done", "error"]) {
      source.addEventListener(type, (event) => {
        // "error" is two things here: an event of the server's, with data, and the browser's own, without.
        const { data } = /** @type {MessageEvent} */ (event);
        if (data) onFrame(JSON.parse(data));
        if (type !== "done" && type !== "error") return;
        source.close(); // it would come back and ask once more
        if (data) resolve();
        else reject(new TypeError("the connection broke"));
      });
    }
  });
}
// #endregion
