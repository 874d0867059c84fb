// The items of a job, in their order, with what became of each.

import { ask, call, save } from "./service.js";
import { attempt, badge, failed, find, make } from "./view.js";

const AT_ONCE = 50;
const rows = new Map();
// those that are shown, by id
let job = "";
let last = "";

export function openItems() {
  find("items-more").addEventListener("click", ({ currentTarget }) => attempt("job-fault", currentTarget, more));
  find("items-state").addEventListener("change", () => job && attempt("job-fault", null, () => showItems(job)));
}

export function forgetItems() {
  [job, last] = ["", ""];
  rows.clear();
  find("items").replaceChildren();
}

export async function showItems(id) {
  forgetItems();
  job = id;
  await more();
}

async function more() {
  const asked = job;
  const state = find("items-state").value;
  const page = await ask(`/v1/jobs/${job}/items?limit=${AT_ONCE}${state ? `&state=${state}` : ""}${last ? `&after=${last}` : ""}`);
  if (asked !== job) return;
  last = page.last_id;
  for (const item of page.data) {
    const row = make("li", {});
    rows.set(item.id, { row, item });
    fill(row, item);
    find("items").append(row);
  }
  find("items-more").hidden = !page.has_more;
  find("items-none").hidden = rows.size > 0;
}

// An item has ended, as an event told.
export function refreshItem(state, { item_id: id, output_id: output, error }) {
  const found = rows.get(id);
  if (!found) return;
  Object.assign(found.item, { state, output_id: output, error });
  fill(found.row, found.item);
}

function fill(row, item) {
  const text = make("p", { className: "clamp", textContent: item.input || item.ref, title: item.input });
  const about = [item.ref && `ref ${item.ref}`, item.voice, item.attempt > 1 && `attempt ${item.attempt}`].filter(Boolean).join(" · ");
  const fault = item.error ? make("p", { className: "small wrong", textContent: item.error.message }) : "";
  const buttons = item.output_id ? players(item) : "";
  row.replaceChildren(badge(item.state), make("div", { className: "grow" }, text, make("p", { className: "quiet small", textContent: about }), fault), buttons);
}

function players(item) {
  const name = `item ${item.position + 1}`;
  const play = make("button", { type: "button", className: "round", aria: { label: `Play ${name}` } });
  const keep = make("button", { type: "button", className: "plain", textContent: "Save", aria: { label: `Save ${name}` } });
  const place = make("div", { className: "players" }, play, keep);
  play.addEventListener("click", () => attempt("job-fault", play, () => listen(item, play)));
  keep.addEventListener("click", () => attempt("job-fault", keep, () => download(item)));
  return place;
}

// By a link that runs out: the browser's own player sends no token.
async function listen({ output_id: id, position }, play) {
  const { url } = await ask(`/v1/outputs/${id}/links`, { method: "POST" });
  const { pathname, search } = new URL(url, location.href);
  for (const other of find("items").querySelectorAll("audio")) other.pause();
  const audio = make("audio", { controls: true, autoplay: true, src: pathname + search, aria: { label: `Item ${position + 1}` } });
  audio.addEventListener("error", () => failed("job-fault", "This browser can't play that. Save it, and play it with another program."));
  play.replaceWith(audio);
  audio.focus();
}

async function download({ output_id: id, format, ref, position }) {
  save(await (await call(`/v1/outputs/${id}/content`)).blob(), `${(ref || String(position + 1)).replace(/[^\w.-]+/g, "_")}.${format}`);
}
