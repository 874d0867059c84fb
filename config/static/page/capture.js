// A recording from the microphone or from a file: every panel that wants one has this.

import { Microphone } from "./microphone.js";
import { RATE } from "./sound.js";
import { Track } from "./track.js";
import { clock, failed, find } from "./view.js";
import { wav } from "./wav.js";

let number = 0;

export class Capture {
  file = null;
  #place;
  #parts = {};
  #microphone = null;
  #opening = null;
  // the microphone that was asked for last; none where nobody waits for it any more
  #blocks = [];
  #track = null;
  #longest;

  // `place` is an empty element with `data-label`; `longest` in seconds.
  constructor(place, { longest = 120 } = {}) {
    this.#place = place;
    this.#longest = longest;
    place.append(find("capture-template").content.cloneNode(true));
    for (const part of place.querySelectorAll("[data-part]")) this.#parts[part.dataset.part] = part;
    const { file, label, record, fault } = this.#parts;
    file.id = `file-${++number}`;
    fault.id = `fault-${number}`;
    label.htmlFor = file.id;
    label.textContent = place.dataset.label;
    file.setAttribute("aria-describedby", fault.id);
    file.addEventListener("change", () => this.#take(file.files[0] ?? null));
    record.addEventListener("click", () => (this.#microphone ? this.#finish() : this.#record()));
    for (const kind of ["dragover", "dragleave", "drop"]) place.addEventListener(kind, (event) => this.#drag(event));
  }

  clear() {
    this.#opening = null;
    this.#microphone?.close();
    this.#microphone = null;
    this.#parts.file.value = "";
    this.#take(null);
    this.#show();
  }

  quiet() {
    this.#opening = null;
    this.#track?.stop();
    if (this.#microphone) this.#finish();
  }

  // Say that there is none yet, where there is none.
  check() {
    failed(this.#parts.fault.id, this.file ? "" : "Record something or choose a file first.");
    if (!this.file) this.#parts.record.focus();
    return Boolean(this.file);
  }

  #take(file, blocks = null) {
    this.file = file;
    this.#track?.close();
    this.#track = null;
    failed(this.#parts.fault.id, "");
    this.#parts.name.textContent = file ? `${file.name}, ${(file.size / 1024).toFixed(0)} KiB` : "";
    if (blocks) {
      this.#track = new Track(this.#parts.track);
      for (const block of blocks) this.#track.add(block);
      this.#track.finish();
    }
    this.#place.dispatchEvent(new Event("change", { bubbles: true }));
  }

  async #record() {
    this.#take(null);
    this.#parts.file.value = "";
    this.#blocks = [];
    this.#parts.record.disabled = true;
    const mine = (this.#opening = {});
    try {
      const microphone = await Microphone.open((samples) => this.#hear(samples), () => this.#finish());
      // to allow it takes as long as one likes: the panel may be left by then
      if (mine === this.#opening) this.#microphone = microphone;
      else microphone.close();
    } catch (refused) {
      failed(this.#parts.fault.id, refused.message);
    }
    this.#parts.record.disabled = false;
    this.#show();
  }

  #hear(samples) {
    if (!this.#microphone) return;
    this.#blocks.push(samples);
    const seconds = (this.#blocks.length * samples.length) / RATE;
    this.#parts.time.textContent = clock(seconds);
    this.#parts.level.value = this.#microphone.level;
    if (seconds >= this.#longest) this.#finish();
  }

  #finish() {
    this.#microphone?.close();
    this.#microphone = null;
    this.#show();
    if (this.#blocks.length) this.#take(new File([wav(this.#blocks)], "recording.wav", { type: "audio/wav" }), this.#blocks);
  }

  #show() {
    const isOn = Boolean(this.#microphone);
    this.#parts.record.classList.toggle("recording", isOn);
    this.#parts.recordName.textContent = isOn ? "Stop" : "Record";
    this.#parts.meter.hidden = !isOn;
    this.#parts.time.textContent = isOn ? "0:00" : "";
  }

  #drag(event) {
    event.preventDefault();
    this.#place.classList.toggle("over", event.type === "dragover");
    if (event.type !== "drop" || !event.dataTransfer.files[0]) return;
    this.#parts.file.files = event.dataTransfer.files;
    this.#take(event.dataTransfer.files[0]);
  }
}
