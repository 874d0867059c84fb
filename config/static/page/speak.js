// Text to speech: heard and seen while it is made, and kept to be downloaded.

import { openLexicons } from "./lexicons.js";
import { openPreview } from "./preview.js";
import { keepForm } from "./route.js";
import { bytesOf, Joiner } from "./samples.js";
import { call, events, Refused, save } from "./service.js";
import { Track } from "./track.js";
import { attempt, count, failed, find } from "./view.js";
import { showCode } from "./codeview.js";
import { isTimed } from "./voices.js";
import { wav } from "./wav.js";
import { Words } from "./words.js";

const DRAFT = "voice-text";
// in the tab's storage: a text is too long for an address
const UNTIMED = "timestamps_unavailable";

let track = null;
let words = null;
let request = null;
// what is being made; given up by it
let made = "";
// what the track is of

export function open() {
  const form = find("speak-form");
  words = new Words(find("speak-words"));
  find("text").value = sessionStorage.getItem(DRAFT) ?? find("text").value;
  find("text").addEventListener("input", note);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (request) forget();
    else play();
  });
  find("speak-file").addEventListener("change", paste);
  find("download").addEventListener("click", ({ currentTarget }) => form.reportValidity() && attempt("speak-fault", currentTarget, download));
  find("speed").addEventListener("input", () => (find("speed-shown").textContent = `${Number(find("speed").value)}×`));
  find("speed").addEventListener("change", () => (find("speed-shown").textContent = `${Number(find("speed").value)}×`));
  openPreview();
  openLexicons();
  note();
  showCode("speak", () => ({ method: "POST", path: "/v1/audio/speech", json: { ...wanted(), response_format: find("format").value }, save: `speech.${find("format").value}` }));
  return keepForm("speak", form);
}

// Be quiet, and make no more of it.
export function forget() {
  request?.abort();
  track?.close();
  words.clear();
  [track, request, made] = [null, null, ""];
  show("");
  failed("speak-fault", "");
}

export function clear() {
  forget();
  sessionStorage.removeItem(DRAFT);
  find("speak-form").reset();
  find("text-count").textContent = "";
  find("speed").dispatchEvent(new Event("input"));
}

export const quiet = () => track?.stop();

function wanted() {
  const [speed, language, lexicon] = [Number(find("speed").value), find("language").value.trim(), find("lexicon").value];
  const json = { model: "tts-1", voice: find("speak-voice").value, input: find("text").value };
  return { ...json, ...(speed !== 1 && { speed }), ...(language && { language }), ...(lexicon && { lexicon }) };
}

async function play() {
  const json = wanted();
  const asked = JSON.stringify(json);
  if (track && asked === made) return track.play();
  forget();
  const mine = (request = new AbortController());
  track = new Track(find("speak-track"), { onPlace: (second) => words.at(second) });
  show("Speaking…");
  track.play();
  const done = await attempt("speak-fault", null, async () => {
    const timed = await spoken(json, track, mine.signal).catch((fault) => {
      if (fault.code !== UNTIMED || track.seconds) throw fault;
      return spoken(json, track, mine.signal, { isTimed: false });
    });
    words.show(json.input, timed);
  });
  if (request !== mine) return;
  request = null;
  if (!done && !track.seconds) return forgetTrack();
  track.finish();
  made = done ? asked : "";
  show(`${track.seconds.toFixed(1)} s of speech`);
}

// Make it, and give it to the track as it comes; in the end, the words and when they are said.
async function spoken(json, into, signal, { isTimed: asks = isTimed(json.voice) } = {}) {
  const timing = asks ? { timestamp_granularities: ["word"] } : {};
  const joiner = new Joiner();
  const answer = await call("/v1/audio/speech", { json: { ...json, ...timing, response_format: "pcm", stream_format: "sse" }, signal });
  for await (const { data } of events(answer)) {
    if (data.error) throw new Refused(data.error.message, data.error);
    if (data.type === "speech.audio.delta") into.add(joiner.join(bytesOf(data.audio)));
    if (data.type === "speech.audio.done") return data.words ?? [];
  }
  throw new Refused("The connection was lost before the end. Press Speak to make it anew.");
}

async function download() {
  const [json, format] = [wanted(), find("format").value];
  if (format === "wav" && made === JSON.stringify(json)) return save(wav(track.blocks), "speech.wav");
  show("Making it…");
  try {
    const answer = await call("/v1/audio/speech", { json: { ...json, response_format: format } });
    save(await answer.blob(), `speech.${format}`);
    show(`Saved as speech.${format}`);
  } catch (fault) {
    show("");
    throw fault;
  }
}

async function paste({ target }) {
  if (!target.files[0]) return;
  find("text").value = await target.files[0].text();
  target.value = "";
  find("text").dispatchEvent(new Event("input", { bubbles: true }));
}

function note() {
  const text = find("text").value;
  find("text-count").textContent = count([...text].length, "character");
  try {
    sessionStorage.setItem(DRAFT, text);
  } catch {
    sessionStorage.removeItem(DRAFT);
    // longer than a tab may keep: it stays on the page only
  }
}

function forgetTrack() {
  track.close();
  track = null;
  show("");
}

function show(state) {
  find("speak-state").textContent = state;
  find("play-name").textContent = request ? "Stop" : "Speak";
  find("play").classList.toggle("playing", Boolean(request));
}
