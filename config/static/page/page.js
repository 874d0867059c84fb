// The page: asks for a key once, and opens its three rooms to whoever has one.

import { forget as forgetListen, open as openListen } from "./listen.js";
import { call, key, Refused, voices } from "./service.js";
import { forget as forgetSpeak, open as openSpeak } from "./speak.js";
import { forget as forgetTalk, open as openTalk } from "./talk.js";
import { failed, find } from "./view.js";

const USUAL = "alloy";

async function enter(bearer) {
  const me = await (await call("/v1/me", { bearer })).json();
  key.keep(bearer);
  fill(await voices());
  find("name").textContent = me.username;
  find("door").hidden = true;
  find("rooms").hidden = find("who").hidden = false;
}

function leave() {
  key.forget();
  forgetTalk();
  forgetSpeak();
  forgetListen();
  find("rooms").hidden = find("who").hidden = true;
  find("door").hidden = false;
  find("key").focus();
}

function fill(groups) {
  for (const list of document.querySelectorAll("select.voices")) {
    list.replaceChildren();
    for (const [label, members] of groups) {
      const group = Object.assign(document.createElement("optgroup"), { label });
      group.append(...members.map((voice) => new Option(voice.label, voice.id, voice.id === USUAL, voice.id === USUAL)));
      if (members.length) list.append(group);
    }
  }
}

find("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  failed("enter-fault", "");
  button.disabled = true;
  try {
    await enter(find("key").value.trim());
    find("enter").reset();
    find("main").focus();
  } catch (fault) {
    key.forget();
    failed("enter-fault", said(fault));
    find("key").select();
  } finally {
    button.disabled = false;
  }
});
find("leave").addEventListener("click", leave);
openTalk();
openSpeak();
openListen();

if (key.get()) {
  await enter(key.get()).catch((fault) => {
    leave();
    failed("enter-fault", said(fault));
  });
} else find("door").hidden = false;

function said(fault) {
  return fault instanceof Refused ? fault.message : `This page has failed: ${fault.message}`;
}
