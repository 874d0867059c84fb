// A picture of a sound as bars, as many as there is room for, however much of it has come.

const GRAIN = 480;
// samples to a peak: 20 ms
const [BAR, GAP] = [3, 2];
// pixels
const LOWEST = 0.04;
// height of silence, so that it is seen to be there

export class Waveform {
  #canvas;
  #peaks = [];
  #part = 0;
  #filled = 0;
  #played = 0;
  #size;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#size = new ResizeObserver(() => this.draw(this.#played));
    this.#size.observe(canvas);
  }

  add(samples) {
    for (const sample of samples) {
      this.#part = Math.max(this.#part, Math.abs(sample));
      if (++this.#filled < GRAIN) continue;
      this.#peaks.push(this.#part / 32_768);
      this.#part = this.#filled = 0;
    }
  }

  // `played` is the part of it that was heard, 0 to 1.
  draw(played) {
    this.#played = played;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio;
    if (this.#canvas.width !== Math.round(width * scale)) this.#canvas.width = Math.round(width * scale);
    if (this.#canvas.height !== Math.round(height * scale)) this.#canvas.height = Math.round(height * scale);
    const paint = this.#canvas.getContext("2d");
    const { color, caretColor } = getComputedStyle(this.#canvas);
    paint.setTransform(scale, 0, 0, scale, 0, 0);
    paint.clearRect(0, 0, width, height);
    const bars = Math.floor(width / (BAR + GAP));
    for (let bar = 0; bar < bars; bar++) {
      const tall = Math.max(LOWEST, this.#peak(bar / bars, (bar + 1) / bars)) * height;
      paint.fillStyle = bar / bars < played ? caretColor : color;
      paint.beginPath();
      paint.roundRect(bar * (BAR + GAP), (height - tall) / 2, BAR, tall, BAR / 2);
      paint.fill();
    }
  }

  close() {
    this.#size.disconnect();
  }

  #peak(from, to) {
    const [first, last] = [Math.floor(from * this.#peaks.length), Math.max(Math.floor(from * this.#peaks.length) + 1, Math.floor(to * this.#peaks.length))];
    let highest = 0;
    for (let at = first; at < last && at < this.#peaks.length; at++) highest = Math.max(highest, this.#peaks[at]);
    return highest;
  }
}
