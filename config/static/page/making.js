// Making a voice: the speaker reads a phrase of consent, then speaks for a while.

import { Capture } from "./capture.js";
import { showCode } from "./codeview.js";
import { ask } from "./service.js";
import { attempt, failed, find } from "./view.js";
import { languageName } from "./voices.js";

const CONSENTS = "/v1/audio/voice_consents";
const VOICES = "/v1/audio/voices";
let phrases = new Map();
let consent = null;
// the one that a voice is to be made of: { id, name }
let recording = null;
let sample = null;

export function openMaking(changed) {
  recording = new Capture(find("consent-capture"), { longest: 60 });
  sample = new Capture(find("sample-capture"), { longest: 30 });
  addEventListener("voices", () => phrases.size || load());
  find("consent-language").addEventListener("change", () => (find("phrase").textContent = phrases.get(find("consent-language").value) ?? ""));
  find("consent-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (recording.check()) attempt("consent-fault", event.submitter, () => give(changed));
  });
  find("voice-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (sample.check()) attempt("voice-fault", event.submitter, () => make(changed));
  });
  find("voice-back").addEventListener("click", () => step(null));
  find("consent-capture").addEventListener("change", () => failed("consent-fault", ""));
  find("sample-capture").addEventListener("change", () => failed("voice-fault", ""));
  const isSecond = () => consent !== null;
  showCode("voices", () => (isSecond() ? { method: "POST", path: VOICES, fields: voiceFields(), file: named("audio_sample", sample) } : { method: "POST", path: CONSENTS, fields: consentFields(), file: named("recording", recording) }));
}

export function clearMaking() {
  recording.clear();
  sample.clear();
  find("consent-form").reset();
  find("voice-form").reset();
  find("consent-state").textContent = "";
  step(null);
}

// Go on with a consent that is approved.
export function startMaking(approved) {
  step(approved);
  find("voice-name").value = approved.name;
  find("voice-step").scrollIntoView({ block: "start" });
  find("voice-name").focus();
}

export function quietMaking() {
  recording.quiet();
  sample.quiet();
}

const named = (name, capture) => ({ name, filename: capture.file?.name ?? "recording.wav" });
const consentFields = () => ({ name: find("consent-name").value.trim() || "Anna", language: find("consent-language").value || "en" });
const voiceFields = () => ({ name: find("voice-name").value.trim() || "Anna", consent: consent.id });

async function load() {
  const { data } = await ask(`${CONSENTS}/phrases`).catch(() => ({ data: [] }));
  phrases = new Map(data.map(({ language, text }) => [language, text]));
  find("consent-language").replaceChildren(...[...phrases.keys()].map((tag) => new Option(languageName(tag), tag, tag === "en", tag === "en")));
  find("consent-language").dispatchEvent(new Event("change", { bubbles: true }));
}

async function give(changed) {
  find("consent-state").textContent = "Sending…";
  try {
    const made = await ask(CONSENTS, { form: { ...consentFields(), recording: recording.file } });
    recording.clear();
    find("consent-name").value = "";
    await changed();
    if (made.state === "approved") startMaking(made);
    else failed("consent-fault", made.state === "refused" ? `Not accepted: ${made.reason} Record the phrase again.` : "");
    find("consent-state").textContent = made.state === "pending" ? "Sent. Staff listen to it; below you see what came of it." : "";
  } catch (fault) {
    find("consent-state").textContent = "";
    throw fault;
  }
}

async function make(changed) {
  find("voice-state").textContent = "Listening to the sample…";
  try {
    const made = await ask(VOICES, { form: { ...voiceFields(), audio_sample: sample.file } });
    sample.clear();
    find("voice-form").reset();
    step(null);
    await changed();
    find("consent-state").textContent = `“${made.name}” is ready. Choose it wherever a voice is asked for.`;
  } finally {
    find("voice-state").textContent = "";
  }
}

function step(approved) {
  consent = approved;
  find("consent-step").hidden = Boolean(approved);
  find("voice-step").hidden = !approved;
  find("voice-of").textContent = approved?.name ?? "";
  failed("consent-fault", "");
  failed("voice-fault", "");
  find("voices").dispatchEvent(new Event("change"));
}
