/**
 * A reader's bookmark: `k3f9~chat.lobby:7,notifications:41`.
 *
 * After it come seq 8 of `chat.lobby` and seq 42 of `notifications`. The epoch names the history that the numbers
 * belong to: after a restored backup the same numbers mean other events.
 */

const EPOCH = /^[a-z0-9]{1,32}$/;
const POSITION = /^([a-z0-9][a-z0-9._-]{0,98}):(0|[1-9][0-9]{0,15})$/;

/** A text that is no cursor. */
export class CursorError extends Error {
  name = "CursorError";
}

/** An immutable place in one or more topics. */
export class Cursor {
  /** @type {string} */
  epoch;
  /** @type {ReadonlyMap<string, number>} */
  #positions;

  /**
   * @param {string} epoch
   * @param {Iterable<[string, number]>} positions  topic and the seq of its last event already read (0: none)
   */
  constructor(epoch, positions) {
    this.epoch = epoch;
    this.#positions = new Map(positions);
  }

  /**
   * Read a cursor's text.
   *
   * @param {string} text
   * @returns {Cursor}
   * @throws {CursorError} where the text is none; `start` and `now` are places without numbers, and so are none either
   */
  static parse(text) {
    const [epoch, rest, ...more] = text.split("~");
    if (!EPOCH.test(epoch) || rest === undefined || more.length > 0) {
      throw new CursorError(`cursor ${shown(text)} is not '<epoch>~<topic>:<seq>,…'; pass on what the server gave`);
    }
    /** @type {Map<string, number>} */
    const positions = new Map();
    for (const part of rest === "" ? [] : rest.split(",")) {
      const [, topic, seq] = POSITION.exec(part) ?? [];
      if (topic === undefined || !Number.isSafeInteger(Number(seq))) {
        throw new CursorError(`cursor ${shown(text)} has ${shown(part)} where '<topic>:<seq>' was expected`);
      }
      if (positions.has(topic)) {
        throw new CursorError(`cursor ${shown(text)} names the topic '${topic}' twice`);
      }
      positions.set(topic, Number(seq));
    }
    return new Cursor(epoch, positions);
  }

  /** The topics that it speaks of. */
  get topics() {
    return [...this.#positions.keys()];
  }

  /** The text to send as `after`. */
  get text() {
    const positions = [...this.#positions].sort(([a], [b]) => (a < b ? -1 : 1));
    return `${this.epoch}~${positions.map(([topic, seq]) => `${topic}:${seq}`).join(",")}`;
  }

  /**
   * Return the seq of the last event read in `topic`, or undefined where nothing is known of it.
   *
   * @param {string} topic
   */
  position(topic) {
    return this.#positions.get(topic);
  }

  /**
   * Return this cursor moved to `seq` in `topic`.
   *
   * @param {string} topic
   * @param {number} seq
   */
  advanced(topic, seq) {
    return new Cursor(this.epoch, [...this.#positions, [topic, seq]]);
  }

  /**
   * Return this cursor in `other`'s epoch, with `other`'s positions for `topics`.
   *
   * @param {Cursor} other
   * @param {Iterable<string>} topics
   */
  replaced(other, topics) {
    const positions = new Map(this.#positions);
    for (const topic of topics) {
      const seq = other.position(topic);
      if (seq === undefined) positions.delete(topic);
      else positions.set(topic, seq);
    }
    return new Cursor(other.epoch, positions);
  }
}

/** @param {string} text */
function shown(text) {
  return `'${text.length > 60 ? `${text.slice(0, 60)}…` : text}'`;
}
