// Keys for programs: made, shown once, revoked.

import { copy, showCode } from "./codeview.js";
import { confirmed } from "./confirm.js";
import { Paged } from "./paged.js";
import { ask, call } from "./service.js";
import { attempt, find, make, moment } from "./view.js";

const PATH = "/v1/api-keys";
const AT_ONCE = 50;
const SCOPES = {
  speech: "Speak and convert",
  transcription: "Transcribe",
  realtime: "Hold live conversations",
  voices: "Make and delete voices",
  jobs: "See and steer jobs",
  outputs: "Fetch and delete outputs",
  account: "See usage, make keys",
};
let keys = null;
// the list of them, when the panel has opened

export function open() {
  find("scopes").append(...Object.entries(SCOPES).map(([name, text]) => make("label", {}, make("input", { type: "checkbox", value: name, checked: true }), make("code", { textContent: name }), text)));
  find("keys-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt("keys-fault", event.submitter, create);
  });
  keys = new Paged(PATH, AT_ONCE, row, { list: find("keys-list"), more: find("keys-more"), none: find("keys-none") });
  find("keys-more").addEventListener("click", ({ currentTarget }) => attempt("keys-fault", currentTarget, () => keys.next()));
  find("new-key-copy").addEventListener("click", ({ currentTarget }) => copy(find("new-key").value, currentTarget));
  find("shown-once").addEventListener("close", () => (find("new-key").value = ""));
  showCode("keys", () => ({ method: "POST", path: PATH, json: wanted() }));
  return refresh;
}

export function clear() {
  find("keys-form").reset();
  keys.clear();
}

function wanted() {
  const scopes = [...find("scopes").querySelectorAll("input:checked")].map(({ value }) => value);
  const days = Number(find("key-days").value);
  return { name: find("key-name").value.trim(), scopes, ...(days && { expires_in: days * 86_400 }) };
}

async function create() {
  const json = wanted();
  if (!json.scopes.length) throw new Error("Choose at least one thing that the key may do.");
  const made = await ask(PATH, { json });
  find("key-name").value = "";
  find("new-key").value = made.key;
  find("shown-once").showModal();
  find("new-key").select();
  await refresh();
}

const refresh = () => attempt("keys-fault", null, () => keys.refresh());

function row(key) {
  const date = (text) => moment(Date.parse(text) / 1000);
  const isOver = key.revoked_at || (key.expires_at && Date.parse(key.expires_at) < Date.now());
  const told = [
    key.revoked_at ? `revoked ${date(key.revoked_at)}` : key.expires_at ? `${isOver ? "ended" : "until"} ${date(key.expires_at)}` : "without an end",
    key.last_used_at ? `last used ${date(key.last_used_at)}` : "never used",
  ];
  const scopes = key.scopes.length === Object.keys(SCOPES).length ? "may do everything" : key.scopes.join(", ");
  const about = make("div", { className: "grow" }, make("b", { textContent: key.name }), make("p", { className: "quiet small", textContent: [scopes, ...told].join(" · ") }));
  const item = make("li", { className: isOver ? "ended" : "" }, about);
  if (isOver) return item;
  const button = make("button", { type: "button", className: "plain danger", textContent: "Revoke", aria: { label: `Revoke ${key.name}` } });
  button.addEventListener("click", () => revoke(key, button));
  item.append(button);
  return item;
}

async function revoke({ id, name }, button) {
  if (!(await confirmed(`Revoke “${name}”?`, { text: "Every program that uses it is refused from now on. It can't be undone.", act: "Revoke" }))) return;
  await attempt("keys-fault", button, async () => {
    await call(`${PATH}/${id}`, { method: "DELETE" });
    await refresh();
  });
}
