// A text whose words light up as they are said.

import { make } from "./view.js";

export class Words {
  #place;
  #spans = [];
  #lit = null;

  constructor(place) {
    this.#place = place;
  }

  // `timed` are the words in the text's own spelling and order, with the seconds when each is said.
  show(text, timed) {
    this.#lit = null;
    let at = 0;
    const parts = [];
    this.#spans = [];
    for (const { word, start, end } of timed) {
      const found = text.indexOf(word, at);
      if (found < 0) continue;
      const span = make("span", { textContent: word });
      parts.push(text.slice(at, found), span);
      this.#spans.push({ span, start, end });
      at = found + word.length;
    }
    this.#place.replaceChildren(...parts, text.slice(at));
    this.#place.hidden = !this.#spans.length;
    this.#place.scrollTop = 0;
  }

  // Light up what is said at that second; nothing before the first.
  at(second) {
    let [low, high] = [0, this.#spans.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#spans[middle].start <= second) low = middle + 1;
      else high = middle;
    }
    const span = second < 0 ? null : (this.#spans[low - 1]?.span ?? null);
    if (span === this.#lit) return;
    this.#lit?.classList.remove("lit");
    span?.classList.add("lit");
    this.#lit = span;
    if (!span) return;
    const [top, bottom] = [span.offsetTop - this.#place.offsetTop, span.offsetTop - this.#place.offsetTop + span.offsetHeight];
    if (bottom > this.#place.scrollTop + this.#place.clientHeight || top < this.#place.scrollTop) this.#place.scrollTop = top - this.#place.clientHeight / 3;
  }

  clear() {
    this.#spans = [];
    this.#lit = null;
    this.#place.replaceChildren();
    this.#place.hidden = true;
  }
}
