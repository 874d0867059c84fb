// The voices that there are: one's own first, then the names that stand for one, then each engine's.

import { ask } from "./service.js";
import { capital } from "./view.js";

const NAMES = "Usual names";
const OWN = "Your own";
let known = [];
let timed = new Set();
// models that tell when words are said
export let models = [];

export async function loadVoices() {
  const [{ data, voices: names }, { data: found }] = await Promise.all([ask("/v1/audio/voices"), ask("/v1/models")]);
  models = found.filter((model) => model.task);
  timed = new Set(models.filter((model) => model.timed).map((model) => model.id));
  const ids = new Set(data.map(({ id }) => id));
  const own = data.filter((voice) => voice.type !== "stock").map((voice) => described(voice, OWN));
  const usual = names.filter(({ id }) => !ids.has(id)).map(({ id, name }) => ({ id, name: capital(name), group: NAMES, note: "English by default", text: name, isReady: true }));
  const stock = data.filter((voice) => voice.type === "stock").map((voice) => described(voice, voice.model));
  known = [...own, ...usual, ...stock];
  dispatchEvent(new Event("voices"));
}

export const voices = () => known;
export const voiceOf = (id) => known.find((voice) => voice.id === id);
export const isTimed = (id) => !voiceOf(id)?.model || timed.has(voiceOf(id).model);

function described({ id, name, model, languages = [], gender, description, state }, group) {
  const spoken = [...new Set(languages.map(languageName).filter(Boolean))];
  const note = [spoken.length > 2 ? `${spoken[0]} and ${spoken.length - 1} more` : spoken.join(", "), gender].filter(Boolean).join(" · ");
  const text = [id, name, model, description, gender, ...languages, ...spoken].join(" ").toLowerCase();
  return { id, name, group, note, description, model, text, state, isOwn: group === OWN, isReady: state === "ready" };
}

export function languageName(tag) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language", fallback: "none" }).of(tag) ?? new Intl.DisplayNames(["en"], { type: "language" }).of(tag.split("-")[0]);
  } catch {
    return tag;
  }
}
