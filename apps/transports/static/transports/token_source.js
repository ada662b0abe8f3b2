/**
 * Where the client's token comes from, and when another one is asked for.
 *
 * @typedef {string | {token: string, expires_in?: number}} GivenToken  `expires_in` in seconds, as `POST /api/tokens` answers
 * @typedef {string | (() => GivenToken | Promise<GivenToken>)} Token  itself, or a function that gets one
 */

// What the server says of a token that counts no longer; a WebSocket has the status alone.
const ENDED = ["token_expired", "token_revoked", "bad_token", "signed_out", "401"];

/** No token could be had; the cause has the words. */
export class TokenError extends Error {
  name = "TokenError";
}

export class TokenSource {
  #token;
  #environment;
  /** @type {string | null} */
  #text = null;
  #renewAt = Infinity;
  /** @type {Promise<string> | null} */
  #asking = null;

  /**
   * @param {Token} token
   * @param {Pick<import("./environment.js").Environment, "now">} environment
   */
  constructor(token, environment) {
    this.#token = token;
    this.#environment = environment;
  }

  /**
   * Return the token to send: the one from before, unless it is about to expire or was refused.
   *
   * @returns {Promise<string>}
   * @throws {TokenError} the function threw, or gave none
   */
  async text() {
    if (typeof this.#token === "string") return this.#token;
    if (this.#text !== null && this.#environment.now() < this.#renewAt) return this.#text;
    // Attempts over several transports may wait for the same answer.
    this.#asking ??= this.#ask(this.#token).finally(() => (this.#asking = null));
    return this.#asking;
  }

  /** @param {() => GivenToken | Promise<GivenToken>} token */
  async #ask(token) {
    /** @type {GivenToken} */
    let given;
    try {
      given = await token();
    } catch (error) {
      throw new TokenError(`no token could be had: ${error instanceof Error ? error.message : error}`);
    }
    const { token: text, expires_in = Infinity } = typeof given === "string" ? { token: given } : (given ?? {});
    if (!text) throw new TokenError("no token could be had: the function gave none");
    this.#renewAt = this.#environment.now() + expires_in * 900; // a tenth of its life before its end
    return (this.#text = text);
  }

  /**
   * A connection ended. Say whether that was for the token, and another one may do.
   *
   * @param {string} reason  an Ending's
   */
  mayReplace(reason) {
    if (typeof this.#token === "string" || !ENDED.includes(reason)) return false;
    this.#text = null;
    return true;
  }
}

/**
 * Return headers with the token in them, if there is one.
 *
 * @param {TokenSource | undefined} source
 * @param {Record<string, string>} [headers]
 * @returns {Promise<Record<string, string>>}
 */
export async function bearing(source, headers = {}) {
  return source ? { ...headers, Authorization: `Bearer ${await source.text()}` } : headers;
}
