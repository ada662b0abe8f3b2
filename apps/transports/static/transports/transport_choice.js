/**
 * Which transport to try, and what was learnt of those that did not work.
 *
 * The best comes first, and one that does not work is left for the next in the list. What does not work may also be the
 * server, or the whole network. So a failure is only held against a transport once another one works right after it;
 * while none works, nobody is to blame, and after a wait all is tried again from the best one down.
 *
 * A transport that is out of use gets another chance after a minute, then after longer and longer times.
 */

import { recall, remember } from "./session_memory.js";

/** @import {Ending} from "./endings.js" */
/** @import {Environment} from "./environment.js" */
/** @import {TransportClass} from "./registry.js" */

/**
 * @typedef {object} Verdict  why a transport is out of use
 * @property {string} reason  `blocked`: it got no connection; `silent`: a connection without a first frame, as through
 *   a proxy that collects answers; `cut`: its connections died young; `garbled`: somebody else answered
 * @property {string} message
 * @property {number} until  when to try it again, in milliseconds since 1970
 * @property {number} times  how often in a row it came to this
 *
 * @typedef {object} TransportChange
 * @property {string} from  the transport in use so far; at the start the best one
 * @property {string} to  the one in use now
 * @property {string} reason  a verdict's on `from`; or `better`: `to` works again; `unsupported`: the browser lacks `from`
 * @property {string} message  why, in words
 */

const YOUNG_MS = 20_000; // a connection in use lives longer: every 15 s there is a heartbeat
const YOUNG_DEATHS = 2; // the first may be chance
const SECOND_CHANCE_MS = 60_000;
const LAST_CHANCE_MS = 30 * 60_000;

export class TransportChoice {
  #candidates;
  #preferred;
  #environment;
  #memoryKey;
  #lacking;
  /** Failures of this round, not yet held against anyone. @type {Map<string, {reason: string, message: string}>} */
  #failed = new Map();
  /** @type {Map<string, Verdict>} */
  #verdicts;
  /** @type {Map<string, number>} */
  #youngDeaths = new Map();
  /** @type {string | null} */
  #inUse = null;

  /**
   * @param {TransportClass[]} transports  best first, at least one
   * @param {Environment} environment
   * @param {string} site  what the verdicts are about: another address may be reached in another way
   * @param {import("./token_source.js").TokenSource} [token]
   * @throws {TypeError} the environment supports none of them
   */
  constructor(transports, environment, site, token) {
    this.#candidates = transports.filter((transport) => transport.supported(environment, token));
    this.#lacking = token ? "here, or none that can carry a token" : "here";
    this.#preferred = transports[0].transportName;
    if (this.#candidates.length === 0) {
      const names = transports.map(({ transportName }) => transportName).join(", ");
      const remedy = token ? "leave 'sse' for one that can carry a token" : "hand it in through 'environment'";
      throw new TypeError(`what ${names} needs is missing here; ${remedy}`);
    }
    this.#environment = environment;
    this.#memoryKey = this.#isPinned ? null : `transports ${site}`;
    this.#verdicts = this.#memoryKey === null ? new Map() : recall(environment, this.#memoryKey);
    this.current = this.#next() ?? this.#candidates[0];
  }

  /** Choose what the next attempt goes over: `current` from now on. */
  choose() {
    this.current = this.#next() ?? this.#candidates[0];
    return this.current;
  }

  /** Whether nothing is left to fall back to after `current`. */
  get isLastResort() {
    return this.#candidates.every((one) => one === this.current || this.#failed.has(one.transportName));
  }

  /**
   * An attempt over `current` ended.
   *
   * @param {Ending} ending
   * @param {number | null} livedMs  null: no first frame came
   * @returns {boolean}  whether to try the next transport at once; else wait first
   */
  ended(ending, livedMs) {
    const name = this.current.transportName;
    const isYoung = livedMs !== null && livedMs < YOUNG_MS;
    if (ending.isOnTheWay && (livedMs === null || isYoung)) {
      const deaths = (this.#youngDeaths.get(name) ?? 0) + (isYoung ? 1 : 0);
      this.#youngDeaths.set(name, deaths);
      if (isYoung && deaths < YOUNG_DEATHS) return false;
      this.#failed.set(name, isYoung ? cutYoung(ending, deaths) : neverLive(ending));
      if (this.#next()) return true;
    }
    if (!isYoung && livedMs !== null) {
      this.#youngDeaths.delete(name);
      this.#verdicts.delete(name);
    }
    this.#failed.clear();
    return false;
  }

  /**
   * The first frame arrived over `current`: hold against the better ones what they failed in just now.
   *
   * @returns {TransportChange | null}  null: it is the one that was in use
   */
  worked() {
    for (const { transportName } of this.#better()) this.#condemn(transportName, this.#failed.get(transportName));
    this.#failed.clear();
    const from = this.#inUse ?? this.#preferred;
    const to = (this.#inUse = this.current.transportName);
    if (from === to) return null;
    if (this.#rank(to) < this.#rank(from)) return { from, to, reason: "better", message: `${to} works again` };
    const known = this.#better().map(({ transportName }) => [transportName, this.#verdicts.get(transportName)?.message]);
    const message = known.flatMap(([name, words]) => (words ? [`${name}: ${words}`] : [])).join("; ");
    if (this.#rank(from) < 0) return { from, to, reason: "unsupported", message: message || `there is no ${from} ${this.#lacking}` };
    return { from, to, reason: this.#verdicts.get(from)?.reason ?? "blocked", message };
  }

  /**
   * Tell which better transport gets its chance next, and in how many milliseconds.
   *
   * @returns {{transport: TransportClass, inMs: number} | null}  null: `current` is the best
   */
  get nextChance() {
    const now = this.#environment.now();
    const chances = this.#better().map((transport) => {
      const until = this.#verdicts.get(transport.transportName)?.until ?? now;
      return { transport, inMs: Math.max(0, until - now) };
    });
    return chances.reduce((/** @type {typeof chances[0] | null} */ a, b) => (a && a.inMs <= b.inMs ? a : b), null);
  }

  /**
   * A better one used its chance: it is `current` now.
   *
   * @param {TransportClass} transport
   */
  promote(transport) {
    this.current = transport;
  }

  /**
   * A better one missed its chance.
   *
   * @param {TransportClass} transport
   * @param {Ending} ending
   */
  missed({ transportName }, ending) {
    this.#condemn(transportName, neverLive(ending));
  }

  /** Forget all verdicts: another network may let through what this one did not. */
  forget() {
    this.#failed.clear();
    this.#verdicts.clear();
    this.#youngDeaths.clear();
    this.#keep();
  }

  get #isPinned() {
    return this.#candidates.length === 1;
  }

  /** The best that did not fail in this round; those out of use come last. */
  #next() {
    const now = this.#environment.now();
    const left = this.#candidates.filter(({ transportName }) => !this.#failed.has(transportName));
    return left.find(({ transportName }) => (this.#verdicts.get(transportName)?.until ?? 0) <= now) ?? left[0];
  }

  #better() {
    return this.#candidates.slice(0, this.#candidates.indexOf(this.current));
  }

  /** @param {string} name */
  #rank(name) {
    return this.#candidates.findIndex(({ transportName }) => transportName === name);
  }

  /**
   * @param {string} name
   * @param {{reason: string, message: string} | undefined} failure
   */
  #condemn(name, failure) {
    if (!failure) return;
    const times = (this.#verdicts.get(name)?.times ?? 0) + 1;
    const forMs = Math.min(LAST_CHANCE_MS, SECOND_CHANCE_MS * 2 ** (times - 1));
    this.#verdicts.set(name, { ...failure, times, until: this.#environment.now() + forMs });
    this.#keep();
  }

  #keep() {
    if (this.#memoryKey !== null) remember(this.#environment, this.#memoryKey, this.#verdicts);
  }
}

/**
 * @param {Ending} ending
 * @param {number} deaths
 */
function cutYoung({ message }, deaths) {
  return { reason: "cut", message: `cut ${deaths} times within ${YOUNG_MS / 1000} s of connecting (${message})` };
}

/** @param {Ending} ending */
function neverLive({ reason, message }) {
  if (reason === "silent" || reason === "garbled") return { reason, message };
  return { reason: "blocked", message: `could not connect (${message})` };
}
