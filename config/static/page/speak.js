// Text to speech: played while it is made, and kept to be downloaded.

import { call } from "./service.js";
import { Player, RATE, wav } from "./sound.js";
import { failed, find } from "./view.js";

const KEEP = 60_000;
// milliseconds that a browser may take to begin a download

let player = null;
let request = null;
// what is being made; given up by it
let made = { asked: "", blocks: [] };
// the last text that was spoken whole

export function open() {
  find("speak-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (player || request) forget();
    else play();
  });
  find("download").addEventListener("click", () => find("speak-form").reportValidity() && download());
}

// Be quiet, and make no more of it.
export function forget() {
  request?.abort();
  player?.close();
  [player, request] = [null, null];
  show("");
}

function play() {
  let isWhole = false;
  const mine = (player = new Player(() => isWhole && rest()));
  attempt("Speaking…", async (asked) => {
    for await (const block of spoken(asked)) mine.play(block);
    isWhole = true;
    if (mine.isQuiet) rest();
    else show("Speaking…");
  });
}

function download() {
  attempt("Making it…", async (asked) => {
    for await (const _ of spoken(asked));
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(wav(made.blocks)), download: "speech.wav" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), KEEP);
    if (!player) rest();
  });
}

async function attempt(state, act) {
  failed("speak-fault", "");
  const acting = act({ input: find("text").value, voice: find("speak-voice").value });
  show(state);
  try {
    await acting;
  } catch (fault) {
    if (fault.name === "AbortError") return;
    forget();
    failed("speak-fault", fault.message);
  }
}

// Blocks of samples as they are made; at once those of what was made last.
async function* spoken({ input, voice }) {
  const asked = JSON.stringify([input, voice]);
  if (asked === made.asked) {
    yield* made.blocks;
    return;
  }
  const mine = (request = new AbortController());
  try {
    const json = { model: "tts-1", input, voice, response_format: "pcm" };
    const { body } = await call("/v1/audio/speech", { json, signal: mine.signal });
    const blocks = [];
    for await (const block of whole(body)) {
      blocks.push(block);
      yield block;
    }
    made = { asked, blocks };
  } finally {
    if (request === mine) request = null;
  }
}

// The samples of a body that is cut anywhere.
async function* whole(body) {
  const reader = body.getReader();
  let odd = new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const bytes = new Uint8Array(odd.length + value.length);
    bytes.set(odd);
    bytes.set(value, odd.length);
    const even = bytes.length - (bytes.length % 2);
    odd = bytes.slice(even);
    yield new Int16Array(bytes.buffer.slice(0, even));
  }
}

// Nothing is played any more.
function rest() {
  player?.close();
  player = null;
  const samples = made.blocks.reduce((sum, block) => sum + block.length, 0);
  show(`${(samples / RATE).toFixed(1)} s of speech`);
}

function show(state) {
  find("speak-state").textContent = state;
  find("play").textContent = player || request ? "Stop" : "Play";
  find("download").disabled = Boolean(request);
}
