// Runs beside the page's thread: makes of what the microphone gives, at whatever rate, blocks of 100 ms of 16 bit at 24 kHz.

const WANTED = 24_000;
const BLOCK = 2_400;
// samples

class Recorder extends AudioWorkletProcessor {
  #ratio = sampleRate / WANTED;
  #sum = 0;
  #filled = 0;
  // how much of the input the sum is of, in its samples
  #block = new Int16Array(BLOCK);
  #size = 0;

  // Each sample is the mean of the input over its time.
  process([[input]]) {
    for (const sample of input ?? []) {
      let left = 1;
      while (left > 0) {
        const part = Math.min(left, this.#ratio - this.#filled);
        this.#sum += sample * part;
        this.#filled += part;
        left -= part;
        if (this.#ratio - this.#filled > 1e-9) continue;
        this.#put(this.#sum / this.#ratio);
        this.#sum = this.#filled = 0;
      }
    }
    return true;
  }

  #put(sample) {
    this.#block[this.#size++] = Math.round(Math.max(-1, Math.min(1, sample)) * 32_767);
    if (this.#size < BLOCK) return;
    this.port.postMessage(this.#block, [this.#block.buffer]);
    this.#block = new Int16Array(BLOCK);
    this.#size = 0;
  }
}

registerProcessor("recorder", Recorder);
