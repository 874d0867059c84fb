// The page: lets somebody in, and shows the panel that the address names.

import { rewrite } from "./codeview.js";
import * as convert from "./convert.js";
import * as custom from "./custom.js";
import { openDoor } from "./door.js";
import * as jobs from "./jobs.js";
import * as keys from "./keys.js";
import { loadLexicons } from "./lexicons.js";
import * as listen from "./listen.js";
import { forgetPicked, openPicker } from "./picker.js";
import { address, forgetStates, here, note } from "./route.js";
import * as speak from "./speak.js";
import * as talk from "./talk.js";
import * as usage from "./usage.js";
import { find } from "./view.js";
import { loadVoices } from "./voices.js";

const PANELS = { speak, talk, listen, convert, jobs, voices: custom, usage, keys };
// each has open(), which gives what is called with its state when it is shown, and clear(); some have quiet() and close() for when it is left
const shows = {};
let shown = "";

openPicker();
for (const [name, panel] of Object.entries(PANELS)) shows[name] = panel.open();
addEventListener("hashchange", () => find("rooms").hidden || show());
// by the address it would be taken for a panel, and what goes on in the open one would end
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  find("main").focus();
});
addEventListener("offline", away);
addEventListener("online", away);
away();
await openDoor({ entered, left });

async function entered(isOther) {
  await Promise.all([loadVoices(), loadLexicons()]);
  shown = isOther ? "" : shown;
  show();
}

function left() {
  PANELS[shown]?.close?.();
  for (const panel of Object.values(PANELS)) panel.clear();
  forgetPicked();
  forgetStates();
  rewrite();
  shown = "";
}

function show() {
  const { panel: named, state } = here();
  const name = named in PANELS ? named : "speak";
  if (name !== shown) {
    PANELS[shown]?.quiet?.();
    PANELS[shown]?.close?.();
  }
  const isOther = shown && name !== shown;
  shown = name;
  note(name, state);
  for (const panel of Object.keys(PANELS)) find(panel).hidden = panel !== name;
  for (const link of find("nav").querySelectorAll("a[href^='#']")) {
    const panel = link.hash.slice(1).split("?")[0];
    link.href = panel === "jobs" ? "#jobs" : address(panel);
    if (panel === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  find("nav").querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
  document.title = `${find(name).querySelector("h2").textContent} · Voice`;
  shows[name](state);
  if (!isOther) return;
  scrollTo(0, 0);
  find(name).querySelector("h2").focus({ preventScroll: true });
}

function away() {
  find("away").hidden = navigator.onLine;
}
