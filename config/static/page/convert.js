// The same words by another voice: one of one's own.

import { Capture } from "./capture.js";
import { showCode } from "./codeview.js";
import { keepForm } from "./route.js";
import { blocks } from "./samples.js";
import { call, formOf, save } from "./service.js";
import { Track } from "./track.js";
import { attempt, failed, find } from "./view.js";
import { models, voices } from "./voices.js";
import { wav } from "./wav.js";

const PATH = "/v1/audio/conversions";
let capture = null;
let track = null;

export function open() {
  capture = new Capture(find("convert-capture"), { longest: 300 });
  find("convert-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!find("convert-voice").value) return failed("convert-fault", "Make a voice of your own first, under “Voices”, and choose it here.");
    if (capture.check()) attempt("convert-fault", event.submitter, convert);
  });
  find("convert-save").addEventListener("click", ({ currentTarget }) => attempt("convert-fault", currentTarget, download));
  addEventListener("voices", show);
  const described = () => ({ method: "POST", path: PATH, fields: { voice: find("convert-voice").value || "voice_…", response_format: find("convert-format").value } });
  showCode("convert", () => ({ ...described(), file: { name: "file", filename: capture.file?.name ?? "recording.wav" }, save: `converted.${find("convert-format").value}` }));
  return keepForm("convert", find("convert-form"));
}

export function clear() {
  capture.clear();
  forget();
  find("convert-form").reset();
}

export function quiet() {
  capture.quiet();
  track?.stop();
}

function forget() {
  track?.close();
  track = null;
  find("convert-save").hidden = true;
  failed("convert-fault", "");
}

// What is lacking is said before somebody records for nothing.
function show() {
  const isThere = models.some(({ task }) => task === "conversion");
  const hasVoice = voices().some(({ isOwn, isReady }) => isOwn && isReady);
  find("convert-none").hidden = isThere;
  find("convert-voiceless").hidden = !isThere || hasVoice;
  find("convert-form").hidden = !isThere;
}

const form = (format) => formOf({ voice: find("convert-voice").value, response_format: format, file: capture.file });

async function convert() {
  forget();
  find("convert-state").textContent = "Converting…";
  try {
    const answer = await call(PATH, { method: "POST", body: form("pcm") });
    track = new Track(find("convert-track"));
    track.play();
    for await (const block of blocks(answer)) track.add(block);
    track.finish();
    find("convert-save").hidden = false;
  } finally {
    find("convert-state").textContent = "";
  }
}

async function download() {
  const format = find("convert-format").value;
  if (format === "wav") return save(wav(track.blocks), "converted.wav");
  save(await (await call(PATH, { method: "POST", body: form(format) })).blob(), `converted.${format}`);
}
