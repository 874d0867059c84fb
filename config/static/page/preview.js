// How a text will be read: numbers, dates and signs as words, before anything is spoken.

import { ask } from "./service.js";
import { attempt, count, find, make } from "./view.js";
import { languageName } from "./voices.js";

export function openPreview() {
  find("preview").addEventListener("click", ({ currentTarget }) => attempt("speak-fault", currentTarget, show));
}

async function show() {
  const [language, lexicon] = [find("language").value.trim(), find("lexicon").value];
  const json = { input: find("text").value, voice: find("speak-voice").value, ...(language && { language }), ...(lexicon && { lexicon }) };
  const read = await ask("/v1/audio/speech/preview", { json });
  find("reading-about").textContent = `${languageName(read.language)} · ${count(read.characters, "character")} charged · nothing is charged for this`;
  find("reading-text").replaceChildren(...read.sentences.map(sentence));
  find("reading").showModal();
}

// What is read otherwise than it is written stands below the word.
function sentence({ text, words }) {
  const parts = [];
  let at = 0;
  for (const { start, end, word, spoken } of words) {
    parts.push(text.slice(at, start));
    parts.push(spoken === word ? word : make("ruby", {}, word, make("rt", { textContent: spoken || "(silent)" })));
    at = end;
  }
  return make("p", {}, ...parts, text.slice(at));
}
