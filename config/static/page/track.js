// A sound that is played while it comes, and again from any place: its samples, where it is played, and a picture of it.

import { Player, RATE } from "./sound.js";
import { clock, make } from "./view.js";
import { Waveform } from "./waveform.js";

export class Track {
  blocks = [];
  #samples = 0;
  #isWhole = false;
  #player = null;
  #from = 0;
  // seconds before what the player was given
  #place;
  #wave;
  #range;
  #time;
  #button;
  #onPlace;

  // `onPlace` is told the second that is heard, while it is.
  constructor(place, { onPlace = () => {} } = {}) {
    this.#place = place;
    this.#onPlace = onPlace;
    const canvas = make("canvas", { aria: { hidden: true } });
    this.#range = make("input", { type: "range", min: 0, max: 0, step: 0.1, value: 0, aria: { label: "Position" } });
    this.#time = make("span", { className: "time" });
    this.#button = make("button", { type: "button", className: "round" });
    this.#button.addEventListener("click", () => (this.#player ? this.stop() : this.play()));
    this.#range.addEventListener("input", () => this.play(Number(this.#range.value)));
    place.replaceChildren(this.#button, make("div", { className: "wave" }, canvas, this.#range), this.#time);
    place.hidden = false;
    this.#wave = new Waveform(canvas);
    this.#show();
  }

  get seconds() {
    return this.#samples / RATE;
  }

  add(block) {
    this.blocks.push(block);
    this.#samples += block.length;
    this.#wave.add(block);
    this.#player?.play(block);
    this.#range.max = this.seconds;
    this.#show();
  }

  finish() {
    this.#isWhole = true;
    if (!this.#player || this.#player.isQuiet) this.stop();
  }

  play(from = 0) {
    this.#player?.close();
    this.#from = from >= this.seconds && this.#isWhole ? 0 : from;
    const mine = (this.#player = new Player(() => mine === this.#player && this.#isWhole && this.stop()));
    let skip = Math.round(this.#from * RATE);
    for (const block of this.blocks) {
      if (skip < block.length) mine.play(block.subarray(skip));
      skip = Math.max(0, skip - block.length);
    }
    this.#follow(mine);
  }

  stop() {
    this.#player?.close();
    this.#player = null;
    this.#show();
    this.#onPlace(-1);
  }

  close() {
    this.stop();
    this.#wave.close();
    this.#place.hidden = true;
    this.#place.replaceChildren();
  }

  #follow(player) {
    if (player !== this.#player) return;
    this.#show();
    this.#onPlace(this.#from + player.heard);
    requestAnimationFrame(() => this.#follow(player));
  }

  #show() {
    const heard = this.#player ? Math.min(this.seconds, this.#from + this.#player.heard) : 0;
    const told = `${clock(heard)} / ${this.#isWhole ? clock(this.seconds) : "…"}`;
    this.#wave.draw(this.seconds ? heard / this.seconds : 0);
    this.#range.value = heard;
    this.#range.setAttribute("aria-valuetext", `${heard.toFixed(0)} of ${this.seconds.toFixed(0)} seconds`);
    if (this.#time.textContent !== told) this.#time.textContent = told;
    const name = this.#player ? "Stop" : "Play again";
    if (this.#button.getAttribute("aria-label") === name) return;
    this.#button.setAttribute("aria-label", name);
    this.#button.classList.toggle("playing", Boolean(this.#player));
  }
}
