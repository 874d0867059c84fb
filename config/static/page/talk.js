// The view of a conversation: one button, how it stands, and what both sides say.

import { Conversation } from "./conversation.js";
import { failed, find } from "./view.js";

const STATES = {
  idle: "Press to talk",
  connecting: "Connecting…",
  listening: "Listening",
  hearing: "Hearing you",
  thinking: "Thinking…",
  speaking: "Speaking",
  reconnecting: "Connection lost…",
};
const NAMES = { you: "You", machine: "Machine" };
const MOST_LINES = 200;

let conversation = null;
const lines = new Map();
// what was said, by item

export function open() {
  find("call").addEventListener("click", () => (conversation ? conversation.hangUp() : begin()));
}

export function forget() {
  conversation?.hangUp();
  clear();
}

function begin() {
  failed("talk-fault", "");
  clear();
  conversation = new Conversation(view);
  find("call-name").textContent = "Hang up";
  find("talk-voice").disabled = true;
  conversation.begin(find("talk-voice").value);
  breathe();
}

const view = {
  state(name) {
    find("talk").dataset.state = name;
    find("talk").classList.toggle("calling", name !== "idle");
    find("state").textContent = STATES[name];
    // what was being said when the connection was lost was not understood
    if (name === "reconnecting") [...lines].forEach(([item, line]) => line.textContent || view.unsaid(item));
    if (name === "hearing") failed("talk-fault", "");
  },

  said(item, who, text) {
    const line = lines.get(item) ?? begun(item, who);
    line.textContent = text;
    follow();
  },

  added(item, who, text) {
    const line = lines.get(item) ?? begun(item, who);
    line.textContent += text;
    follow();
  },

  unsaid(item) {
    lines.get(item)?.parentElement.remove();
    lines.delete(item);
  },

  failed(text) {
    failed("talk-fault", text);
  },

  over(text) {
    conversation = null;
    find("call-name").textContent = "Start talking";
    find("talk-voice").disabled = false;
    view.state("idle");
    [...lines].forEach(([item, line]) => line.textContent || view.unsaid(item));
    failed("talk-fault", text);
  },
};

function begun(item, who) {
  const name = Object.assign(document.createElement("b"), { textContent: NAMES[who] });
  const line = document.createElement("p");
  const entry = Object.assign(document.createElement("div"), { className: who });
  entry.append(name, line);
  find("log").append(entry);
  find("talk-empty").hidden = true;
  lines.set(item, line);
  if (lines.size > MOST_LINES) view.unsaid(lines.keys().next().value);
  return line;
}

function follow() {
  find("log").scrollTop = find("log").scrollHeight;
}

function clear() {
  lines.clear();
  find("log").replaceChildren();
  find("talk-empty").hidden = false;
}

// The button grows with the voice.
function breathe() {
  find("call").style.setProperty("--level", conversation?.level.toFixed(2) ?? 0);
  if (conversation) requestAnimationFrame(breathe);
}
