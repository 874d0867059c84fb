// Choosing a voice among hundreds: a button that tells which, and one dialog with a search for all of them.

import { count, find, make } from "./view.js";
import { voiceOf, voices } from "./voices.js";

const MOST = 300;
// choices shown at once
let chosen = null;
// the field that is being chosen for

export function openPicker() {
  for (const button of document.querySelectorAll("button.pick")) {
    const field = find(button.dataset.for);
    field.dataset.first = field.value;
    button.addEventListener("click", () => open(field));
    field.addEventListener("change", () => show(button, field));
    addEventListener("voices", () => show(button, field));
  }
  find("picker-search").addEventListener("input", list);
  find("picker-list").addEventListener("change", ({ target }) => choose(target.value));
  find("picker-list").addEventListener("click", ({ target }) => target.closest("label") && setTimeout(() => find("picker").close()));
  find("picker").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = find("picker-list").querySelector("input:checked, input");
    if (first) choose(first.value);
    find("picker").close();
  });
  find("picker-close").addEventListener("click", () => find("picker").close());
}

export function forgetPicked() {
  for (const button of document.querySelectorAll("button.pick")) find(button.dataset.for).value = find(button.dataset.for).dataset.first;
}

function show(button, field) {
  if (field.dataset.own !== undefined && !voiceOf(field.value)?.isOwn) field.value = voices().find(({ isOwn, isReady }) => isOwn && isReady)?.id ?? "";
  const voice = voiceOf(field.value);
  const name = voice?.name ?? (field.value || "None yet");
  button.querySelector("b").textContent = name;
  button.querySelector("span").textContent = voice?.note ?? (field.value ? "not there any more" : "");
}

function open(field) {
  chosen = field;
  find("picker-search").value = "";
  list();
  find("picker").showModal();
  find("picker-list").querySelector("input:checked")?.scrollIntoView({ block: "center" });
  find("picker-search").focus();
}

function choose(id) {
  chosen.value = id;
  chosen.dispatchEvent(new Event("change", { bubbles: true }));
}

function list() {
  const words = find("picker-search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const isOwnOnly = chosen.dataset.own !== undefined;
  const found = voices().filter((voice) => voice.isReady && (!isOwnOnly || voice.isOwn) && words.every((word) => voice.text.includes(word)));
  find("picker-list").replaceChildren(...[...grouped(found.slice(0, MOST))].map(([label, members]) => make("fieldset", {}, make("legend", { textContent: label }), ...members.map(choice))));
  const more = found.length > MOST ? `, the first ${MOST} shown: type to find the others` : "";
  find("picker-count").textContent = found.length ? count(found.length, "voice") + more : "No voice is called so. Try a language, such as “German”.";
}

function choice(voice) {
  const radio = make("input", { type: "radio", name: "picked", value: voice.id, checked: voice.id === chosen.value });
  return make("label", { title: voice.description ?? "" }, radio, make("b", { textContent: voice.name }), make("span", { textContent: voice.note }));
}

function grouped(found) {
  const groups = new Map();
  for (const voice of found) groups.set(voice.group, [...(groups.get(voice.group) ?? []), voice]);
  return groups;
}
