// What was used, and what is left of it.

import { showCode } from "./codeview.js";
import { keepForm } from "./route.js";
import { ask, call, save } from "./service.js";
import { attempt, clock, count, find, make } from "./view.js";

const NAMES = {
  characters: "Characters spoken",
  speech_seconds: "Speech",
  transcription_seconds: "Transcription",
  conversion_seconds: "Conversion",
};
const DAY = 86_400_000;
const MOST_ROWS = 400;
// drawn at once

export function open() {
  const fill = keepForm("usage", find("usage-form"));
  find("usage-form").addEventListener("change", show);
  find("usage-csv").addEventListener("click", ({ currentTarget }) => attempt("usage-fault", currentTarget, async () => save(await (await call(`${path()}&as=csv`)).blob(), "usage.csv")));
  showCode("usage", () => ({ path: path() }));
  return (state) => {
    fill(state);
    show();
  };
}

export function clear() {
  find("usage-bars").replaceChildren();
  find("usage-rows").replaceChildren();
}

function path() {
  const days = Number(find("usage-days").value);
  const day = (ahead) => new Date(Date.now() + ahead * DAY).toISOString().slice(0, 10);
  return `/v1/usage?group_by=${find("usage-by").value}${days ? `&start=${day(1 - days)}&end=${day(1)}` : ""}`;
}

async function show() {
  await attempt("usage-fault", null, async () => {
    const { period, data } = await ask(path());
    bars(period);
    rows(data);
  });
}

function bars({ starts_at: start, ends_at: end, plan, limits, used, reserved, remaining }) {
  const day = (seconds) => new Date(seconds * 1000).toLocaleDateString("en", { dateStyle: "medium" });
  find("usage-period").textContent = `${plan ? `Plan “${plan}”` : "No plan: nothing is limited"} · ${day(start)} until ${day(end)}`;
  find("usage-bars").replaceChildren(...Object.keys(NAMES).map((name) => bar(name, limits[name], used[name], reserved[name], remaining[name])));
}

function bar(name, limit, used, reserved, remaining) {
  const shown = (amount) => (name === "characters" ? amount.toLocaleString("en") : clock(amount));
  const told = limit === null ? "without a limit" : `of ${shown(limit)} · ${shown(remaining)} left`;
  const meter = make("meter", { max: limit || 1, value: used + reserved, high: limit * 0.9, low: limit * 0.7, optimum: 0, aria: { label: `${NAMES[name]}: ${shown(used)} ${told}` } });
  const waiting = reserved ? ` · ${shown(reserved)} for what is not over` : "";
  const lines = [make("p", { className: "quiet", textContent: NAMES[name] }), make("p", { className: "figure", textContent: shown(used) }), limit === null ? "" : meter, make("p", { className: "quiet small", textContent: told + waiting })];
  return make("div", { className: "tile" }, ...lines);
}

function rows(data) {
  const by = find("usage-by").value;
  const ordered = by === "day" ? data : [...data].sort((one, other) => other.seconds - one.seconds);
  const most = Math.max(1, ...ordered.map(({ seconds }) => seconds));
  find("usage-head").textContent = find("usage-by").selectedOptions[0].textContent;
  find("usage-rows").replaceChildren(...ordered.slice(0, MOST_ROWS).map((row) => line(row[by] ?? "without a key", row, most)));
  find("usage-none").hidden = data.length > 0;
  find("usage-table").hidden = !data.length;
  find("usage-cut").textContent = data.length > MOST_ROWS ? `These are the first ${MOST_ROWS} of ${count(data.length, "row")}: the CSV has all of them.` : "";
}

function line(name, { characters, seconds, items, reused }, most) {
  const width = make("progress", { max: most, value: seconds, aria: { hidden: true } });
  const cells = [items.toLocaleString("en") + (reused ? ` (${reused.toLocaleString("en")} again)` : ""), characters.toLocaleString("en")];
  return make("tr", {}, make("th", { scope: "row", textContent: name }), make("td", {}, width, clock(seconds)), ...cells.map((textContent) => make("td", { textContent })));
}
