/**
 * One lab a browser: two would share its six connections to a host, and measure each other.
 *
 * A Web Lock goes back by itself when a tab crashes. Pages without HTTPS have none, and ask one another over a
 * BroadcastChannel instead.
 */

const NAME = "lab";
const ANSWER_MS = 500;

/**
 * @typedef {object} Turns
 * @property {() => void} begin  the lab is this tab's
 * @property {() => void} giveWay  it is another tab's, from the start or from now on
 */

/**
 * Ask for the lab.
 *
 * @param {Turns} turns
 * @returns {() => void}  takes it over from the tab that has it
 */
export function beAlone(turns) {
  return navigator.locks ? byLock(navigator.locks, turns) : byAsking(new BroadcastChannel(NAME), turns);
}

/**
 * @param {LockManager} locks
 * @param {Turns} turns
 */
function byLock(locks, { begin, giveWay }) {
  const hold = (/** @type {Lock | null} */ lock) => {
    if (!lock) return giveWay(), undefined;
    begin();
    return new Promise(() => {});
  };
  locks.request(NAME, { ifAvailable: true }, hold).catch(giveWay);
  return () => void locks.request(NAME, { steal: true }, hold).catch(giveWay);
}

/**
 * @param {BroadcastChannel} channel
 * @param {Turns} turns
 */
function byAsking(channel, { begin, giveWay }) {
  /** @type {"asking" | "ours" | "another's"} */
  let whose = "asking";
  const take = () => {
    whose = "ours";
    // Two tabs that were opened together both heard nothing: the one that says so first has it.
    channel.postMessage("taken");
    begin();
  };
  const asking = setTimeout(take, ANSWER_MS);
  channel.onmessage = ({ data }) => {
    if (data === "whose" && whose === "ours") channel.postMessage("taken");
    if (data !== "taken" || whose === "another's") return;
    clearTimeout(asking);
    whose = "another's";
    giveWay();
  };
  channel.postMessage("whose");
  return take;
}
