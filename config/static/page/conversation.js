// A live conversation by OpenAI's Realtime protocol: what is said goes out in blocks, what is answered is played.

import { FINAL, wanted } from "./livesession.js";
import { Microphone } from "./microphone.js";
import { call } from "./service.js";
import { decoded, encoded, Player } from "./sound.js";

const TRY_FOR = 60_000;
// milliseconds to look for a connection that was lost; the service tells before that when it has given the session up
const [SOONEST, LATEST] = [250, 4_000];
// milliseconds from one try to the next
const PATIENCE = 10_000;
// milliseconds until the service says that the session is there
const STUCK = 320_000;
// bytes that wait to be sent: five seconds of sound
const [HUNG_UP, NOBODY] = [1000, 1006];
const CUT = "cut";
// the id of an event that may be refused
const [YOU, MACHINE] = ["you", "machine"];

// `view` is told: state(name); said(item, who, text) and added(item, who, text); unsaid(item); cut(item), which was interrupted; failed(text);
// over(text), at last.
export class Conversation {
  #view;
  #player;
  #microphone = null;
  #secret = "";
  #session = "";
  #socket = null;
  #responding = false;
  #lostAt = null;
  #tries = 0;
  #timer = 0;
  #isOver = false;
  #fault = "";
  // the last one that the service told

  constructor(view) {
    this.#view = view;
    this.#player = new Player(() => this.#rest());
  }

  // `turns`: server_vad, semantic_vad, or none, and then `done` says when one's turn is over.
  async begin(voice, turns) {
    this.#view.state("connecting");
    addEventListener("offline", this.#offline);
    addEventListener("online", this.#online);
    addEventListener("pagehide", this.#left);
    try {
      const microphone = await Microphone.open(
        (samples) => this.#hear(samples),
        () => this.#end("The microphone is gone."),
      );
      if (this.#isOver) return microphone.close();
      this.#microphone = microphone;
      const secret = await (await call("/v1/realtime/client_secrets", { json: wanted(voice, turns) })).json();
      if (this.#isOver) return;
      this.#secret = secret.value;
      this.#connect();
    } catch (refused) {
      this.#end(refused.message);
    }
  }

  hangUp() {
    this.#end("");
  }

  // One's turn is over: where the service does not tell by itself.
  done() {
    this.#cut();
    if (this.#responding) this.#send({ type: "response.cancel" });
    this.#send({ type: "input_audio_buffer.commit" });
    this.#send({ type: "response.create" });
  }

  // How loud both sides are, 0 to 1.
  get levels() {
    return { you: this.#microphone?.level ?? 0, machine: this.#player.isQuiet ? 0 : this.#player.level };
  }

  #connect() {
    const query = this.#session ? `?session_id=${encodeURIComponent(this.#session)}` : "";
    const address = new URL(`/v1/realtime${query}`, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, ["realtime", `openai-insecure-api-key.${this.#secret}`]);
    this.#socket = socket;
    socket.onmessage = ({ data }) => socket === this.#socket && this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.#socket && this.#closed(code);
    this.#timer = setTimeout(() => this.#closed(), PATIENCE);
  }

  #hear(samples) {
    // nothing says that a connection is dead but that nothing leaves by it
    if (this.#socket?.bufferedAmount > STUCK) this.#lose();
    this.#send({ type: "input_audio_buffer.append", audio: encoded(samples) });
  }

  #send(event) {
    if (this.#socket?.readyState === WebSocket.OPEN && this.#session) this.#socket.send(JSON.stringify(event));
  }

  #take(event) {
    const view = this.#view;
    switch (event.type) {
      case "session.created":
        clearTimeout(this.#timer);
        this.#session = event.session.id;
        [this.#lostAt, this.#tries, this.#responding] = [null, 0, false];
        this.#rest();
        break;
      case "error":
        // what was to be cut was over already; or the session can't be taken up yet, as the code will say
        if (event.error.event_id === CUT || this.#lostAt !== null) break;
        this.#fault = event.error.message;
        view.failed(this.#fault);
        break;
      case "input_audio_buffer.speech_started":
        this.#fault = "";
        this.#cut();
        view.said(event.item_id, YOU, "");
        view.state("hearing");
        break;
      case "input_audio_buffer.speech_stopped":
        view.state("thinking");
        break;
      case "conversation.item.input_audio_transcription.delta":
        view.added(event.item_id, YOU, event.delta);
        break;
      case "conversation.item.input_audio_transcription.completed":
        this.#tell(event.item_id, YOU, event.transcript);
        break;
      case "conversation.item.input_audio_transcription.failed":
        view.unsaid(event.item_id);
        view.failed(event.error.message);
        break;
      case "response.created":
        this.#responding = true;
        view.state("thinking");
        break;
      case "response.output_audio_transcript.delta":
        view.added(event.item_id, MACHINE, event.delta);
        break;
      case "response.output_audio.delta":
        this.#player.play(decoded(event.delta), event.item_id);
        view.state("speaking");
        break;
      case "response.output_audio_transcript.done":
        this.#tell(event.item_id, MACHINE, event.transcript);
        break;
      case "response.done":
        this.#answered(event.response);
        break;
      case "conversation.item.truncated":
        this.#send({ type: "conversation.item.retrieve", item_id: event.item_id });
        break;
      case "conversation.item.retrieved":
        this.#tell(event.item.id, MACHINE, event.item.content[0]?.transcript);
    }
  }

  #answered({ status, status_details: details }) {
    this.#responding = false;
    if (status === "failed") this.#view.failed(details?.error?.message ?? "There is no answer.");
    // who cut it off is still speaking
    if (details?.reason !== "turn_detected") this.#rest();
  }

  #tell(item, who, text) {
    if (text) this.#view.said(item, who, text);
    else this.#view.unsaid(item);
  }

  // Somebody speaks: what is played is not heard any more, and was not said.
  #cut() {
    const cut = this.#player.stop();
    if (!cut) return;
    this.#send({ type: "conversation.item.truncate", event_id: CUT, item_id: cut.name, content_index: 0, audio_end_ms: cut.heardMs });
    this.#view.cut(cut.name);
  }

  #rest() {
    if (this.#lostAt === null && !this.#responding && this.#player.isQuiet && !this.#isOver) this.#view.state("listening");
  }

  // The code is of the service, or of the browser where nobody answers.
  #closed(code = NOBODY) {
    if (code in FINAL) this.#end(this.#fault || FINAL[code]);
    else if (this.#session) this.#lose();
    else this.#end("The conversation could not be opened: the service, or a proxy before it, took no WebSocket.");
  }

  #lose() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket.close();
    this.#lostAt ??= performance.now();
    if (performance.now() - this.#lostAt > TRY_FOR) return this.#end("The connection was lost.");
    this.#view.state("reconnecting");
    this.#timer = setTimeout(() => this.#connect(), Math.min(LATEST, SOONEST * 2 ** this.#tries++));
  }

  #offline = () => {
    if (this.#session && this.#socket) this.#lose();
  };

  #online = () => {
    if (this.#lostAt === null || this.#socket) return;
    clearTimeout(this.#timer);
    this.#connect();
  };

  #left = () => this.#end("");

  #end(told) {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    removeEventListener("offline", this.#offline);
    removeEventListener("online", this.#online);
    removeEventListener("pagehide", this.#left);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(HUNG_UP);
    this.#microphone?.close();
    this.#player.close();
    this.#view.over(told);
  }
}
