import { RATE } from "./sound.js";

const HEADER_BYTES = 44;

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
