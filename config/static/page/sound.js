// Sound as the service has it: 16 bit, mono, 24 kHz.

export const RATE = 24_000;

const LEAD = 0.05;
// seconds before the first sound, so that the second is there in time
const HEADER_BYTES = 44;

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

  // Be quiet at once. What was being played and how many milliseconds of it were heard; null where nothing was.
  stop() {
    if (this.isQuiet) return null;
    const now = this.#context.currentTime - (this.#context.outputLatency || 0);
    let left = 0;
    for (const { source, start, end } of this.#pending) {
      left += Math.max(0, end - Math.max(start, now));
      source.onended = null;
      source.stop();
    }
    this.#pending.clear();
    this.#until = 0;
    return { name: this.#name, heardMs: Math.max(0, Math.floor((this.#given - left) * 1000)) };
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
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Int16Array(bytes.buffer);
}

export function encoded(samples) {
  return btoa(String.fromCharCode(...new Uint8Array(samples.buffer)));
}

// A file of blocks of samples.
export function wav(blocks) {
  const size = blocks.reduce((sum, block) => sum + block.byteLength, 0);
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  const word = (place, text) => [...text].forEach((letter, at) => header.setUint8(place + at, letter.charCodeAt(0)));
  word(0, "RIFF");
  header.setUint32(4, HEADER_BYTES - 8 + size, true);
  word(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // mono
  header.setUint32(24, RATE, true);
  header.setUint32(28, RATE * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  word(36, "data");
  header.setUint32(40, size, true);
  return new Blob([header, ...blocks], { type: "audio/wav" });
}
