/** The chat page: what was said, who is here, and what the connection is about. */

import { ChatSocket, MOST_ATTEMPTS } from "./chat_socket.js";
import { ConnectionState } from "./connection_state.js";
import { copyOf, element, fill, language, texts, write } from "./page.js";

/** @import {ChatState} from "./chat_socket.js" */

const NEAR_BOTTOM_PX = 80;
const MOST_LINES = 500;
const TYPING_EVERY_MS = 2_000;

const log = element("chat-log"); // scrolls
const lines = element("chat-lines");
const people = element("people");
const peopleCount = element("people-count");
const typing = element("typing");
const notice = element("notice");
const newest = element("newest");
const form = /** @type {HTMLFormElement} */ (element("say"));
const input = /** @type {HTMLInputElement} */ (element("line"));
const nameInput = /** @type {HTMLInputElement} */ (element("name"));
const connectButton = element("connect");

const timeFormat = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const state = new ConnectionState(element("connection"));
const socket = new ChatSocket();

/** Who I was on each connection: a line that comes back after a reconnect is still mine. @type {Set<string>} */
const myNames = new Set();
/** Lines that the room has not confirmed: id -> text. @type {Map<string, string>} */
const unconfirmed = new Map();
/** @type {Map<string, string>} */
const here = new Map();
/** Who is typing: sender -> their name, and the timer that forgets them. @type {Map<string, {name: string, timer: any}>} */
const typists = new Map();
let lineChars = 2_000;
let typingShownMs = 5_000;
let typingSentAt = 0;

// What the room says

socket.addEventListener("frame", (event) => {
  const frame = /** @type {CustomEvent} */ (event).detail;
  switch (frame.control ?? frame.chat ?? frame.type) {
    case "ready":
      myNames.add(frame.sender);
      lineChars = frame.limits.line_chars;
      typingShownMs = frame.limits.typing_s * 1000;
      if (!socket.name) nameInput.placeholder = frame.name;
      // The same id makes one line of both, if the first did arrive.
      for (const [id, text] of unconfirmed) socket.send({ chat: "line", id, text });
      break;
    case "reset":
      lines.replaceChildren();
      sayAside(texts.logReset);
      break;
    case "chat.line":
      if (frame.data !== null) addLine(frame);
      break;
    case "sent":
      unconfirmed.delete(frame.id);
      break;
    case "error":
      takeBack(frame);
      break;
    case "people":
      here.clear();
      for (const { sender, name } of frame.people) here.set(sender, name);
      showPeople(frame.count);
      break;
    case "joined":
    case "named":
    case "left":
      if (frame.chat === "left") here.delete(frame.sender);
      else here.set(frame.sender, frame.name);
      showPeople();
      stopTyping(frame.sender);
      if (!myNames.has(frame.sender)) sayAside(fill(texts[frame.chat], frame));
      break;
    case "typing":
      startTyping(frame.sender, frame.name);
      break;
  }
});

/** @param {{data: {sender: string, name: string, text: string}, time: string}} event */
function addLine({ data: { sender, name, text }, time }) {
  const isMine = myNames.has(sender);
  const line = copyOf("line-template");
  line.classList.toggle("is-mine", isMine);
  write(line, ".line-by", isMine ? texts.you : name);
  write(line, ".line-text", text);
  const date = new Date(time);
  const timeElement = /** @type {HTMLTimeElement} */ (write(line, "time", timeFormat.format(date)));
  timeElement.dateTime = time;
  stopTyping(sender);
  append(line, isMine);
}

/** @param {string} words  something about the connection or the people, not said by anybody */
function sayAside(words) {
  const aside = document.createElement("li");
  aside.className = "aside";
  aside.textContent = words;
  append(aside, false);
}

/**
 * @param {HTMLElement} line
 * @param {boolean} isMine
 */
function append(line, isMine) {
  const isAtBottom = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX;
  lines.append(line);
  while (lines.childElementCount > MOST_LINES) lines.firstElementChild?.remove();
  // Who reads further up is left there, with a button to come back.
  if (isAtBottom || isMine) scrollToNewest();
  else newest.hidden = false;
}

function scrollToNewest() {
  log.scrollTop = log.scrollHeight;
  newest.hidden = true;
}

newest.addEventListener("click", scrollToNewest);
log.addEventListener("scroll", () => {
  if (log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX) newest.hidden = true;
});

/** @param {number} [count]  where more are here than are listed */
function showPeople(count = here.size) {
  peopleCount.textContent = count <= 1 ? texts.hereOne : fill(texts.hereMany, { count });
  people.replaceChildren(
    ...[...here].map(([sender, name]) => {
      const person = document.createElement("li");
      person.textContent = name;
      person.dir = "auto";
      person.classList.toggle("is-mine", myNames.has(sender));
      return person;
    }),
  );
}

/**
 * @param {string} sender
 * @param {string} name
 */
function startTyping(sender, name) {
  if (myNames.has(sender)) return;
  clearTimeout(typists.get(sender)?.timer);
  typists.set(sender, { name, timer: setTimeout(() => stopTyping(sender), typingShownMs) });
  showTyping();
}

/** @param {string} sender */
function stopTyping(sender) {
  clearTimeout(typists.get(sender)?.timer);
  if (typists.delete(sender)) showTyping();
}

function showTyping() {
  const [first] = typists.values();
  if (!first) typing.textContent = "";
  else if (typists.size === 1) typing.textContent = fill(texts.typingOne, { name: first.name });
  else typing.textContent = fill(texts.typingMany, { count: typists.size });
}

// What I say

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text) return;
  if (!socket.isReady) {
    tell(texts.notSent);
    return;
  }
  if ([...text].length > lineChars) {
    tell(fill(texts.tooLong, { count: [...text].length, most: lineChars }));
    return;
  }
  const id = crypto.randomUUID?.() ?? randomId();
  unconfirmed.set(id, text);
  socket.send({ chat: "line", id, text });
  input.value = "";
  typingSentAt = 0;
  tell("");
});

input.addEventListener("input", () => {
  if (!input.value || Date.now() - typingSentAt < TYPING_EVERY_MS) return;
  if (socket.send({ chat: "typing" })) typingSentAt = Date.now();
});

/** `crypto.randomUUID` exists on https and on this machine only. */
function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The room refused what I sent: say why, and give the text back where nothing new was typed.
 *
 * @param {{id?: string, message: string, hint: string}} error
 */
function takeBack({ id, message, hint }) {
  const text = id === undefined ? undefined : unconfirmed.get(id);
  if (id !== undefined) unconfirmed.delete(id);
  if (text !== undefined && input.value === "") input.value = text;
  tell(`${message} · ${hint}`);
}

/** @param {string} words  about what I just did; empty: nothing to say */
function tell(words) {
  notice.textContent = words;
  notice.hidden = words === "";
}

// My name

try {
  socket.name = nameInput.value = localStorage.getItem("chat-name") ?? "";
} catch {
  // Storage is closed to us: the name is asked for again.
}

nameInput.addEventListener("change", () => {
  const name = nameInput.value.trim();
  if (!name) return;
  socket.name = name;
  socket.send({ chat: "name", name });
  try {
    localStorage.setItem("chat-name", name);
  } catch {
    // … and forgotten with the page.
  }
});

// The connection

socket.addEventListener("state", (event) => {
  /** @type {ChatState} */
  const detail = /** @type {CustomEvent} */ (event).detail;
  const { attempt, waitMs, message } = detail;
  const values = { attempt, most: MOST_ATTEMPTS, seconds: Math.round(waitMs / 1000), reason: message };
  switch (detail.state) {
    case "connecting":
      sayAside(attempt === 0 ? texts.logConnecting : fill(texts.logAttempt, values));
      break;
    case "live":
      sayAside(texts.logOpen);
      tell("");
      break;
    case "waiting":
      sayAside([message, fill(texts.logCut, values)].filter(Boolean).join(" "));
      if (unconfirmed.size > 0) tell(texts.unsure);
      break;
    case "closed":
      sayAside(fill(texts.logGaveUp, values));
      break;
    case "refused":
      sayAside(fill(texts.refused, values));
      break;
  }
  if (detail.state !== "live") {
    here.clear();
    people.replaceChildren();
    peopleCount.textContent = "";
    for (const sender of [...typists.keys()]) stopTyping(sender);
  }
  state.show({ state: detail.state, message, waitMs: waitMs || null }, values);
  connectButton.hidden = !["waiting", "closed", "refused"].includes(detail.state);
});

connectButton.addEventListener("click", () => socket.connect());
socket.connect();
