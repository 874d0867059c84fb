// Many texts at once: a file becomes a job; and the jobs that there were.

import { showCode } from "./codeview.js";
import { forgetJob, openJob, showJob } from "./job.js";
import { Paged } from "./paged.js";
import { keepForm, note, noted } from "./route.js";
import { ask } from "./service.js";
import { attempt, badge, capital, count, failed, find, make, moment } from "./view.js";

const PATH = "/v1/jobs";
const AT_ONCE = 20;
const MOST_ITEMS = 10_000;
let file = null;
let jobs = null;
// the list of them, when the panel has opened

export function open() {
  const fill = keepForm("jobs", find("jobs-form"));
  find("jobs-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt("jobs-fault", event.submitter, submit);
  });
  find("jobs-file").addEventListener("change", () => take(find("jobs-file").files[0]));
  for (const kind of ["dragover", "dragleave", "drop"]) find("drop").addEventListener(kind, drag);
  jobs = new Paged(PATH, AT_ONCE, row, { list: find("jobs-list"), more: find("jobs-more"), none: find("jobs-none") });
  find("jobs-more").addEventListener("click", ({ currentTarget }) => attempt("jobs-list-fault", currentTarget, () => jobs.next()));
  openJob();
  const write = showCode("jobs", () => {
    const { job } = noted("jobs");
    if (job) return { path: `${PATH}/${job}/events`, lines: true };
    const fields = { ...wanted() };
    if (isText()) return { method: "POST", path: PATH, json: { ...fields, items: [{ input: "The first line." }, { input: "The second line." }] } };
    return { method: "POST", path: PATH, fields, file: { name: "file", filename: file?.name ?? "lines.csv" } };
  });
  return (state) => {
    fill(state);
    note("jobs", { job: state.job ?? "" });
    write();
    find("jobs-new").hidden = Boolean(state.job);
    if (state.job) showJob(state.job);
    else {
      forgetJob();
      attempt("jobs-list-fault", null, () => jobs.refresh());
    }
  };
}

export function clear() {
  forgetJob();
  jobs.clear();
  find("jobs-form").reset();
  take(null);
}

export const close = forgetJob;

function drag(event) {
  event.preventDefault();
  find("drop").classList.toggle("over", event.type === "dragover");
  if (event.type === "drop" && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
}

const isText = () => Boolean(file?.name.toLowerCase().endsWith(".txt"));

async function take(chosen) {
  file = chosen ?? null;
  failed("jobs-fault", "");
  find("drop-name").textContent = file ? file.name : "";
  find("drop-about").textContent = "";
  find("jobs").dispatchEvent(new Event("change"));
  if (!file) return;
  const lines = (await file.text()).split(/\r?\n/).filter((line) => line.trim());
  const isCsv = file.name.toLowerCase().endsWith(".csv");
  find("drop-about").textContent = isCsv ? `about ${count(Math.max(0, lines.length - 1), "line")} and a heading` : count(lines.length, "line");
}

const wanted = () => ({ voice: find("jobs-voice").value, response_format: find("jobs-format").value, ...(find("jobs-name").value && { name: find("jobs-name").value }) });

async function submit() {
  if (!file) throw new Error("Choose a file first: CSV with a heading of “input”, JSON Lines, or plain text with a line for each.");
  const job = await ask(PATH, isText() ? { json: { ...wanted(), items: items(await file.text()) } } : { form: { ...wanted(), file } });
  find("jobs-file").value = "";
  take(null);
  find("jobs-name").value = "";
  go(job.id);
}

function items(text) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  if (lines.length > MOST_ITEMS) throw new Error(`A job has ${MOST_ITEMS.toLocaleString("en")} lines at most, and this file ${lines.length.toLocaleString("en")}. Split it.`);
  return lines.map((input, at) => ({ input, ref: String(at + 1) }));
}

function go(id) {
  location.hash = `#jobs?job=${id}`;
}

const title = (kind, total) => (total === 1 ? capital(kind) : count(total, "text"));

function row({ id, name, kind, state, counts, created_at: created }) {
  const link = make("a", { href: `#jobs?job=${id}`, textContent: name || title(kind, counts.total) });
  const told = [count(counts.total, "item"), counts.failed ? `${counts.failed.toLocaleString("en")} failed` : "", moment(created)].filter(Boolean);
  return make("li", {}, link, badge(state), make("span", { className: "quiet small", textContent: told.join(" · ") }));
}
