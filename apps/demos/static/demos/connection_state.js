/** The connection's state, in words and colour: seen with a countdown, spoken once for each change. */

import { fill, texts, write } from "./page.js";

/** @import {StateDetail} from "../transports/client.js" */

export class ConnectionState {
  #place;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #countdown;

  /** @param {HTMLElement} place  carries `data-state` and the words */
  constructor(place) {
    this.#place = place;
  }

  /**
   * @param {Pick<StateDetail, "state" | "message" | "waitMs">} detail
   * @param {Record<string, string | number>} [values]  further ones for the places in the state's words
   */
  show({ state, message, waitMs }, values = {}) {
    clearInterval(this.#countdown);
    this.#place.dataset.state = state;
    this.#place.title = message;
    if (state !== "waiting" || waitMs === null) {
      const words = fill(texts[state === "waiting" ? "closed" : state], { ...values, reason: message });
      this.#show(words);
      this.#speak(words);
      return;
    }
    const until = Date.now() + waitMs;
    const showRest = () => {
      const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      this.#show(fill(texts.waiting, { ...values, seconds }));
    };
    showRest();
    this.#speak(fill(texts.waiting, { ...values, seconds: Math.ceil(waitMs / 1000) }));
    this.#countdown = setInterval(showRest, 1000);
  }

  /** @param {string} words */
  #show(words) {
    write(this.#place, ".connection-words", words);
  }

  /** @param {string} words */
  #speak(words) {
    write(this.#place, ".connection-spoken", words);
  }
}
