// Calls to the service, as whoever is signed in.

import { AWAY } from "./faults.js";
import { bearer, refusal, Refused, renew } from "./session.js";

export { Refused };

const RELEASE = 60_000;
// milliseconds that a browser may take to begin a download

export async function call(path, { json, form, ...options } = {}) {
  const token = await bearer();
  let response = await once(path, token, { json, form, ...options });
  if (response.status === 401) {
    await renew(token);
    response = await once(path, await bearer(), { json, form, ...options });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

export const ask = async (path, options) => (await call(path, options)).json();

async function once(path, token, { json, form, headers, ...options }) {
  const request = { headers: { Authorization: `Bearer ${token}`, ...headers }, cache: "no-store", ...options };
  if (json !== undefined) {
    request.headers["Content-Type"] = "application/json";
    Object.assign(request, { method: "POST", body: JSON.stringify(json) });
  }
  if (form !== undefined) Object.assign(request, { method: "POST", body: formOf(form) });
  try {
    return await fetch(path, request);
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Refused(AWAY);
  }
}

// A form of fields; of a list, one for each member. What is empty is left out.
export function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const each of [value].flat()) if (each !== "" && each !== undefined && each !== null) form.append(name, each);
  }
  return form;
}

// The events of a stream of server-sent events, as they come: `id` where there is one, and the data.
export async function* events({ body }) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((fault) => {
        throw fault.name === "AbortError" ? fault : new Refused(AWAY);
      });
      if (done) return;
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        const fields = Object.fromEntries(part.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
        if (fields.data) yield { id: fields.id, event: fields.event, data: JSON.parse(fields.data) };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), RELEASE);
}
