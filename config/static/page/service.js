// Calls to the service, with the key of whoever reads the page.

const PLACE = "voice-key";
// in this tab's storage

export class Refused extends Error {
  constructor(message, { status = 0, code = "" } = {}) {
    super(message);
    this.status = status;
    // of the answer; 0: there was none
    this.code = code;
  }
}

export const key = {
  get: () => sessionStorage.getItem(PLACE) ?? "",
  keep: (value) => sessionStorage.setItem(PLACE, value),
  forget: () => sessionStorage.removeItem(PLACE),
};

export async function call(path, { bearer = key.get(), json, ...options } = {}) {
  if (!/^[\x21-\x7e]+$/.test(bearer)) throw new Refused("That is not an API key: copy all of it, without spaces.", { status: 401 });
  const headers = { Authorization: `Bearer ${bearer}` };
  if (json !== undefined) {
    headers["Content-Type"] = "application/json";
    options = { method: "POST", body: JSON.stringify(json), ...options };
  }
  let response;
  try {
    response = await fetch(path, { headers, cache: "no-store", ...options });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Refused("The service can't be reached. Is it running?");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response) {
  const told = await response.json().then(
    (body) => body.error ?? {},
    () => ({}),
  );
  return new Refused(told.message ?? `The service answered with status ${response.status}.`, { status: response.status, code: told.code });
}

// The two lists of `GET /v1/audio/voices` as groups: names that stand for a voice, one's own voices, and each engine's.
export async function voices() {
  const { data, voices: names } = await (await call("/v1/audio/voices")).json();
  const known = new Set(data.map((voice) => voice.id));
  const groups = new Map([["Names", names.filter(({ id }) => !known.has(id)).map(({ id, name }) => ({ id, label: capital(name) }))]]);
  for (const voice of data.filter(({ state }) => state === "ready")) {
    const group = voice.type === "stock" ? voice.model : "Your own";
    groups.set(group, [...(groups.get(group) ?? []), { id: voice.id, label: described(voice) }]);
  }
  return groups;
}

function described({ name, languages = [] }) {
  const spoken = languages.length === 1 || new Set(languages.map((tag) => tag.split("-")[0])).size === 1 ? languageName(languages[0]) : "";
  return spoken ? `${name} · ${spoken}` : name;
}

function languageName(tag) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language", fallback: "none" }).of(tag.split("-")[0]) ?? "";
  } catch {
    return "";
  }
}

const capital = (name) => name[0].toUpperCase() + name.slice(1);
