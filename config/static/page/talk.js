// The view of a conversation: one button, how it stands, how loud both sides are, and what they say.

import { showCode } from "./codeview.js";
import { Conversation } from "./conversation.js";
import { wanted } from "./livesession.js";
import { keepForm } from "./route.js";
import { python } from "./talkcode.js";
import { save } from "./service.js";
import { failed, find, make } from "./view.js";

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
  find("turn-done").addEventListener("click", () => conversation?.done());
  find("log-save").addEventListener("click", () => save(new Blob([transcript()], { type: "text/plain" }), "conversation.txt"));
  showCode("talk", () => {
    const json = wanted(find("talk-voice").value, find("turns").value);
    return { method: "POST", path: "/v1/realtime/client_secrets", json, Python: python(json.session) };
  });
  return keepForm("talk", find("talk-form"));
}

// Nobody is listened to behind another panel.
export const close = () => conversation?.hangUp();

export function clear() {
  conversation?.hangUp();
  wipe();
}

function begin() {
  failed("talk-fault", "");
  wipe();
  conversation = new Conversation(view);
  find("call-name").textContent = "Hang up";
  find("talk-choices").disabled = true;
  find("turn-done").hidden = find("turns").value !== "none";
  conversation.begin(find("talk-voice").value, find("turns").value);
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

  cut(item) {
    const entry = lines.get(item)?.parentElement;
    if (entry && !entry.querySelector("small")) entry.append(make("small", { textContent: "interrupted" }));
  },

  failed(text) {
    failed("talk-fault", text);
  },

  over(text) {
    conversation = null;
    find("call-name").textContent = "Start talking";
    find("talk-choices").disabled = false;
    find("turn-done").hidden = true;
    view.state("idle");
    [...lines].forEach(([item, line]) => line.textContent || view.unsaid(item));
    find("log-save").hidden = lines.size === 0;
    failed("talk-fault", text);
  },
};

function begun(item, who) {
  const line = make("p");
  find("log").append(make("div", { className: who }, make("b", { textContent: NAMES[who] }), line));
  find("talk-empty").hidden = true;
  lines.set(item, line);
  if (lines.size > MOST_LINES) view.unsaid(lines.keys().next().value);
  return line;
}

function follow() {
  find("log").scrollTop = find("log").scrollHeight;
}

function transcript() {
  return [...find("log").children].map((entry) => `${entry.className === "you" ? NAMES.you : NAMES.machine}: ${entry.querySelector("p").textContent}${entry.querySelector("small") ? " …" : ""}`).join("\n");
}

function wipe() {
  lines.clear();
  find("log").replaceChildren();
  find("talk-empty").hidden = false;
  find("log-save").hidden = true;
}

// The button grows with whoever speaks, and each side has its meter.
function breathe() {
  const { you, machine } = conversation?.levels ?? { you: 0, machine: 0 };
  find("call").style.setProperty("--level", Math.max(you, machine).toFixed(2));
  find("level-you").value = you;
  find("level-machine").value = machine;
  if (conversation) requestAnimationFrame(breathe);
}
