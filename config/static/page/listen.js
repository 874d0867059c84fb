// Speech to text: a recording's words, as they are understood.

import { Capture } from "./capture.js";
import { showCode } from "./codeview.js";
import { keepForm } from "./route.js";
import { call, events, formOf, save } from "./service.js";
import { attempt, capital, clock, find, make } from "./view.js";
import { models } from "./voices.js";

const PATH = "/v1/audio/transcriptions";
const ENDS = { text: "txt", srt: "srt", vtt: "vtt", json: "json", verbose_json: "json" };
const STREAMED = "text";
// the form that is shown while it comes

let capture = null;
let request = null;
let result = null;

export function open() {
  capture = new Capture(find("listen-capture"), { longest: 600 });
  find("listen-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (capture.check()) attempt("listen-fault", event.submitter, transcribe);
  });
  find("listen-format").addEventListener("change", () => (find("listen-words").disabled = find("listen-format").value !== "verbose_json"));
  find("heard-save").addEventListener("click", () => save(new Blob([result.text]), `transcript.${ENDS[result.format]}`));
  addEventListener("voices", fill);
  showCode("listen", () => ({ method: "POST", path: PATH, fields: wanted(), file: { name: "file", filename: capture.file?.name ?? "recording.wav" } }));
  return keepForm("listen", find("listen-form"));
}

export function clear() {
  request?.abort();
  capture.clear();
  find("listen-form").reset();
  find("heard").hidden = true;
}

export const quiet = () => capture.quiet();

function wanted() {
  const [format, language] = [find("listen-format").value, find("listen-language").value.trim()];
  const isTimed = format === "verbose_json" && find("listen-words").value;
  return { model: find("listen-model").value || "whisper-1", response_format: format, ...(language && { language }), ...(isTimed && { "timestamp_granularities[]": isTimed.split(" ") }) };
}

async function transcribe() {
  const fields = wanted();
  const format = fields.response_format;
  request = new AbortController();
  find("listen-state").textContent = "Listening…";
  find("heard").hidden = false;
  find("heard-text").replaceChildren();
  find("heard-save").hidden = true;
  try {
    const stream = format === STREAMED ? { stream: true } : {};
    const answer = await call(PATH, { method: "POST", body: formOf({ ...fields, ...stream, file: capture.file }), signal: request.signal });
    const text = stream.stream ? await growing(answer) : await answer.text();
    result = { text, format };
    if (format === "verbose_json") showTimed(JSON.parse(text));
    else find("heard-text").textContent = (format === "json" ? JSON.parse(text).text : text) || "Nothing was understood.";
    find("heard-save").hidden = false;
  } catch (fault) {
    find("heard").hidden = true;
    throw fault;
  } finally {
    find("listen-state").textContent = "";
  }
}

async function growing(answer) {
  for await (const { data } of events(answer)) {
    if (data.type === "transcript.text.delta") find("heard-text").append(data.delta);
    if (data.type === "transcript.text.done") return data.text;
    if (data.error) throw new Error(data.error.message);
  }
  return find("heard-text").textContent;
}

function showTimed({ segments = [], words = [], language, duration, text }) {
  const lines = segments.length ? segments : words.length ? [{ start: 0, text }] : [];
  const said = lines.map((line) => make("li", {}, make("span", { className: "time", textContent: clock(line.start) }), make("p", { textContent: line.text.trim() })));
  const timed = words.map(({ word, start }) => make("span", { title: `${start.toFixed(2)} s` }, word, make("small", { textContent: start.toFixed(2) })));
  find("heard-text").replaceChildren(
    make("p", { className: "quiet small", textContent: `${capital(language)} · ${duration.toFixed(1)} s` }),
    lines.length ? make("ol", { className: "lines" }, ...said) : "Nothing was understood.",
    words.length ? make("p", { className: "timed" }, ...timed) : "",
  );
}

function fill() {
  const field = find("listen-model");
  const chosen = field.value;
  const found = models.filter(({ task }) => task === "transcription");
  const name = ({ id, languages }) => `${id} · ${languages.length > 1 ? `${languages.length} languages` : "English"}`;
  field.replaceChildren(new Option("The operator's choice", "whisper-1"), ...found.map((model) => new Option(name(model), model.id)));
  field.value = [...field.options].some(({ value }) => value === chosen) ? chosen : "whisper-1";
}
