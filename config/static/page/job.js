// One job: how far it is, as it happens, and its items.

import { confirmed } from "./confirm.js";
import { forgetItems, openItems, refreshItem, showItems } from "./items.js";
import { ask, call, events, save } from "./service.js";
import { attempt, badge, clock, count, failed, find, moment } from "./view.js";

const OPEN = new Set(["queued", "running"]);
const [SOONEST, LATEST] = [500, 8_000];
// milliseconds before a connection that was lost is tried again
const PASSING = new Set([429, 500, 502, 503, 504]);
// statuses of a service that is busy, or being restarted
let shown = "";
let following = null;
// what follows its events; ends with it

export function openJob() {
  openItems();
  find("job-retry").addEventListener("click", ({ currentTarget }) => attempt("job-fault", currentTarget, () => act("retry")));
  find("job-cancel").addEventListener("click", async ({ currentTarget }) => {
    const told = { text: "What is made already stays, and is charged. What waits is not made.", act: "Cancel the job" };
    if (await confirmed("Cancel this job?", told)) attempt("job-fault", currentTarget, () => act("cancel"));
  });
  find("job-archive").addEventListener("click", ({ currentTarget }) => attempt("job-fault", currentTarget, archive));
}

export function forgetJob() {
  following?.abort();
  following = null;
  shown = "";
  forgetItems();
  find("job").hidden = true;
}

export async function showJob(id) {
  if (shown === id && following) return;
  forgetJob();
  shown = id;
  find("job").hidden = false;
  find("job-title").textContent = "Job";
  await attempt("job-fault", null, async () => {
    const { state } = await look();
    await showItems(id);
    if (OPEN.has(state)) follow();
  });
}

async function look() {
  const job = await ask(`/v1/jobs/${shown}`);
  if (job.id === shown) show(job);
  return job;
}

function show(job) {
  find("job-title").textContent = job.name || `Job of ${moment(job.created_at)}`;
  find("job-state").replaceChildren(badge(job.state));
  progress(job.counts);
  const isOver = !OPEN.has(job.state);
  const waits = job.queue_position ? `${count(job.queue_position, "job")} before it` : "";
  const left = job.eta_seconds ? `done in about ${clock(job.eta_seconds)}` : "";
  find("job-eta").textContent = isOver ? `Over since ${moment(job.finished_at ?? job.created_at)}` : waits || left || "Starting…";
  find("job-cancel").hidden = isOver;
  find("job-archive").hidden = !isOver || !job.counts.completed;
  find("job-retry").hidden = !isOver || !job.counts.failed;
}

function progress(counts) {
  const over = counts.total - counts.pending;
  find("job-bar").max = counts.total;
  find("job-bar").value = over;
  const more = [counts.failed && `${counts.failed.toLocaleString("en")} failed`, counts.cancelled && `${counts.cancelled.toLocaleString("en")} cancelled`].filter(Boolean);
  find("job-counts").textContent = [`${over.toLocaleString("en")} of ${count(counts.total, "item")}`, ...more].join(" · ");
}

// Its events until it is over; a connection that is lost goes on where it was.
async function follow() {
  following?.abort();
  const mine = (following = new AbortController());
  let [after, tries] = ["0", 0];
  while (!mine.signal.aborted) {
    try {
      const answer = await call(`/v1/jobs/${shown}/events`, { headers: { "Last-Event-ID": after }, signal: mine.signal });
      if (!answer.body || answer.status === 204) break;
      failed("job-fault", "");
      let isOver = false;
      for await (const { id, event, data } of events(answer)) {
        tries = 0;
        after = id ?? after;
        if (event === "job.progress") await look();
        else if (event.startsWith("item.")) refreshItem(event.slice(5), data);
        else isOver = true;
      }
      if (isOver) break;
    } catch (fault) {
      if (mine.signal.aborted) return;
      if (fault.status && !PASSING.has(fault.status)) {
        // shown anew when somebody has signed in again
        following = null;
        return failed("job-fault", fault.message);
      }
      failed("job-fault", "The connection was lost. The job goes on without it; this page is trying again.");
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(LATEST, SOONEST * 2 ** tries++)));
  }
  if (mine.signal.aborted) return;
  failed("job-fault", "");
  await look().catch(() => {});
  following = null;
}

async function act(verb) {
  show(await ask(`/v1/jobs/${shown}/${verb}`, { method: "POST" }));
  await showItems(shown);
  follow();
}

async function archive() {
  save(await (await call(`/v1/jobs/${shown}/archive`)).blob(), `${shown}.zip`);
}
