// Sound as the service has it: 16 bit, mono, 24 kHz.

import { bytesOf } from "./samples.js";

export const RATE = 24_000;

const LEAD = 0.05;
// seconds before the first sound, so that the second is there in time

// Plays what it is given, one after the other, and knows how much of it was heard.
export class Player {
  #context = new AudioContext({ sampleRate: RATE });
  #meter = this.#context.createAnalyser();
  #pending = new Set();
  #until = 0;
  // when the last sound ends, by the context's clock
  #name = null;
  #given = 0;
  // seconds of what is named so

  constructor(onQuiet) {
    this.onQuiet = onQuiet;
    this.#meter.fftSize = 512;
    this.#meter.connect(this.#context.destination);
    this.#context.resume();
  }

  // `name` is of what these samples are a part
  play(samples, name = "") {
    if (!samples.length) return;
    if (name !== this.#name) [this.#name, this.#given] = [name, 0];
    const buffer = this.#context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32_768), 0);
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#meter);
    const now = this.#context.currentTime;
    const start = this.#until > now ? this.#until : now + LEAD;
    source.start(start);
    this.#until = start + buffer.duration;
    this.#given += buffer.duration;
    const sound = { source, start, end: this.#until };
    this.#pending.add(sound);
    source.onended = () => {
      if (this.#pending.delete(sound) && this.isQuiet) this.onQuiet?.();
    };
  }

  get isQuiet() {
    return this.#pending.size === 0;
  }

  // Seconds that were heard of what is being played.
  get heard() {
    const now = this.#context.currentTime - (this.#context.outputLatency || 0);
    let left = 0;
    for (const { start, end } of this.#pending) left += Math.max(0, end - Math.max(start, now));
    return Math.max(0, this.#given - left);
  }

  // Be quiet at once. What was being played and how many milliseconds of it were heard; null where nothing was.
  stop() {
    if (this.isQuiet) return null;
    const heardMs = Math.floor(this.heard * 1000);
    for (const { source } of this.#pending) {
      source.onended = null;
      source.stop();
    }
    this.#pending.clear();
    this.#until = 0;
    return { name: this.#name, heardMs };
  }

  // How loud it is now, 0 to 1.
  get level() {
    const wave = new Float32Array(this.#meter.fftSize);
    this.#meter.getFloatTimeDomainData(wave);
    return loudness(wave);
  }

  close() {
    this.stop();
    this.#context.close();
  }
}

export function loudness(wave) {
  const power = wave.reduce((sum, sample) => sum + sample * sample, 0) / wave.length;
  return Math.min(1, Math.sqrt(power) * 4);
}

export function decoded(base64) {
  return new Int16Array(bytesOf(base64).buffer);
}

export function encoded(samples) {
  return btoa(String.fromCharCode(...new Uint8Array(samples.buffer)));
}
