// Samples from what comes in pieces that are cut anywhere.

export class Joiner {
  #odd = new Uint8Array();

  join(bytes) {
    const all = new Uint8Array(this.#odd.length + bytes.length);
    all.set(this.#odd);
    all.set(bytes, this.#odd.length);
    const even = all.length - (all.length % 2);
    this.#odd = all.slice(even);
    return new Int16Array(all.buffer.slice(0, even));
  }
}

export async function* blocks({ body }) {
  const joiner = new Joiner();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield joiner.join(value);
  }
}

export const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
