// Speech to text: a recording's words.

import { call } from "./service.js";
import { failed, find } from "./view.js";

let request = null;

export function open() {
  find("listen-form").addEventListener("submit", (event) => {
    event.preventDefault();
    transcribe(find("recording").files[0], event.submitter);
  });
}

export function forget() {
  request?.abort();
  find("listen-form").reset();
  show("");
}

async function transcribe(file, button) {
  const form = new FormData();
  form.append("file", file);
  form.append("model", "whisper-1");
  failed("listen-fault", "");
  show("");
  find("listen-state").textContent = "Listening…";
  button.disabled = true;
  request = new AbortController();
  try {
    const { text } = await (await call("/v1/audio/transcriptions", { method: "POST", body: form, signal: request.signal })).json();
    show(text || "Nothing was understood.");
  } catch (fault) {
    if (fault.name !== "AbortError") failed("listen-fault", fault.message);
  } finally {
    find("listen-state").textContent = "";
    button.disabled = false;
  }
}

function show(text) {
  find("heard").textContent = text;
  find("heard").hidden = !text;
}
