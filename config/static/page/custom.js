// Voices of one's own: what there is, and what came of the consents.

import { confirmed } from "./confirm.js";
import { clearMaking, openMaking, quietMaking, startMaking } from "./making.js";
import { Paged } from "./paged.js";
import { call } from "./service.js";
import { attempt, badge, find, make, moment } from "./view.js";
import { loadVoices, models, voices } from "./voices.js";

const CONSENTS = "/v1/audio/voice_consents";
const AT_ONCE = 50;
const NEXT = {
  pending: "Somebody listens to it. This page looks again every few seconds.",
  approved: "A voice can be made of it.",
  refused: "Record the phrase again.",
  revoked: "Its voices can't be used any more.",
};
const LOOK_AGAIN = 5_000;
let consents = null;
// the list of them, when the panel has opened
let timer = 0;

export function open() {
  openMaking(refresh);
  consents = new Paged(CONSENTS, AT_ONCE, consent, { list: find("consents"), more: find("consents-more"), none: find("consents-none") });
  find("consents-more").addEventListener("click", ({ currentTarget }) => attempt("voices-fault", currentTarget, () => consents.next().then(lookAgain)));
  addEventListener("voices", show);
  return refresh;
}

export function close() {
  clearTimeout(timer);
}

export const quiet = quietMaking;

export function clear() {
  close();
  clearMaking();
  find("own-voices").replaceChildren();
  consents.clear();
}

async function refresh() {
  clearTimeout(timer);
  await attempt("voices-fault", null, () => Promise.all([loadVoices(), consents.refresh().then(lookAgain)]));
}

function lookAgain(shown) {
  if (shown.some(({ state }) => state === "pending")) timer = setTimeout(refresh, LOOK_AGAIN);
}

function show() {
  const own = voices().filter(({ isOwn }) => isOwn);
  find("own-voices").replaceChildren(...own.map(voice));
  find("voices-none").hidden = own.length > 0;
  find("clone-none").hidden = models.some(({ clones }) => clones);
}

function voice({ id, name, state, note, model }) {
  const about = make("div", { className: "grow" }, make("b", { textContent: name }), make("p", { className: "quiet small", textContent: [model, note].filter(Boolean).join(" · ") }));
  const use = state === "ready" ? make("a", { className: "button", href: `#speak?voice=${id}`, textContent: "Speak", aria: { label: `Speak with ${name}` } }) : badge(state);
  const told = { text: "Its samples go with it. What was made with it stays." };
  return make("li", {}, about, use, remover(`Delete the voice ${name}`, `Delete “${name}”?`, told, `/v1/audio/voices/${id}`));
}

function consent({ id, name, state, reason, language, transcript, created_at: created }) {
  const lines = [reason || NEXT[state], transcript && `Heard: “${transcript}”`, `${language} · ${moment(created)}`].filter(Boolean);
  const about = make("div", { className: "grow" }, make("b", { textContent: name }), " ", badge(state), ...lines.map((textContent) => make("p", { className: "quiet small", textContent })));
  const told = { text: "Every voice that was made of it ends at once, and what was made with them goes too, unless the operator keeps it." };
  const item = make("li", {}, about);
  if (state === "approved") {
    const use = make("button", { type: "button", textContent: "Make a voice", aria: { label: `Make a voice of ${name}'s consent` } });
    use.addEventListener("click", () => startMaking({ id, name }));
    item.append(use);
  }
  item.append(remover(`Delete the consent of ${name}`, `Take back the consent of “${name}”?`, told, `${CONSENTS}/${id}`));
  return item;
}

function remover(label, question, told, path) {
  const button = make("button", { type: "button", className: "plain danger", textContent: "Delete", aria: { label } });
  button.addEventListener("click", async () => {
    if (!(await confirmed(question, told))) return;
    await attempt("voices-fault", button, async () => {
      await call(path, { method: "DELETE" });
      await refresh();
    });
  });
  return button;
}
