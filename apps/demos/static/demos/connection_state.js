/** The connection's state, in words and colour. */

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
      this.#say(fill(texts[state === "waiting" ? "closed" : state], { ...values, reason: message }));
      return;
    }
    const until = Date.now() + waitMs;
    const sayRest = () => {
      const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      this.#say(fill(texts.waiting, { ...values, seconds }));
    };
    sayRest();
    this.#countdown = setInterval(sayRest, 1000);
  }

  /** @param {string} words */
  #say(words) {
    write(this.#place, ".connection-words", words);
  }
}
