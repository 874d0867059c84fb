// One's own words and how they are said: chosen in the panel that speaks, and added to.

import { ask, call } from "./service.js";
import { attempt, find, make } from "./view.js";

const NAME = "From the page";
let own = [];

export function openLexicons() {
  find("word-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt("word-fault", event.submitter, () => add(find("word").value, find("respelling").value));
  });
}

export async function loadLexicons() {
  const chosen = find("lexicon").value;
  ({ data: own } = await ask("/v1/lexicons?limit=100").catch(() => ({ data: [] })));
  find("lexicon").replaceChildren(new Option("None", ""), ...own.map(({ id, name }) => new Option(name, id)));
  find("lexicon").value = own.some(({ id }) => id === chosen) ? chosen : "";
}

async function add(word, respelling) {
  const entry = { word, respelling };
  let lexicon = own.find(({ id }) => id === find("lexicon").value) ?? own.find(({ name }) => name === NAME);
  if (lexicon) {
    const { entries } = await ask(`/v1/lexicons/${lexicon.id}`);
    await call(`/v1/lexicons/${lexicon.id}`, { json: { entries: [...entries.filter((each) => each.word.toLowerCase() !== word.toLowerCase()), entry] } });
  } else lexicon = await ask("/v1/lexicons", { json: { name: NAME, entries: [entry] } });
  await loadLexicons();
  find("lexicon").value = lexicon.id;
  find("lexicon").dispatchEvent(new Event("change", { bubbles: true }));
  find("word-form").reset();
  find("word-state").replaceChildren(make("span", { textContent: `“${word}” is said “${respelling}” from now on.` }));
}
