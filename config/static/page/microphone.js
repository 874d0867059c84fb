// The microphone, in blocks of 100 ms.

import { Refused } from "./session.js";
import { loudness } from "./sound.js";

const FAULTS = {
  NotAllowedError: "The microphone was not allowed. Allow it for this page in the browser, and try again.",
  NotFoundError: "There is no microphone.",
  NotReadableError: "The microphone is in use by another program.",
};

export class Microphone {
  level = 0;
  #context;
  #stream;

  // `onBlock` is given samples, `onGone` is told when it was unplugged or taken away.
  static async open(onBlock, onGone) {
    if (!navigator.mediaDevices) throw new Refused("Browsers give the microphone only to pages over HTTPS, and to those of this machine itself.");
    const microphone = new Microphone();
    try {
      await microphone.#begin(onBlock, onGone);
    } catch (fault) {
      microphone.close();
      throw new Refused(FAULTS[fault.name] ?? `The microphone does not work: ${fault.message}`);
    }
    return microphone;
  }

  async #begin(onBlock, onGone) {
    this.#stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    this.#context = new AudioContext();
    await this.#context.audioWorklet.addModule(new URL("recorder.js", import.meta.url));
    const recorder = new AudioWorkletNode(this.#context, "recorder", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    recorder.port.onmessage = ({ data }) => {
      this.level = loudness(Float32Array.from(data, (sample) => sample / 32_768));
      onBlock(data);
    };
    this.#context.createMediaStreamSource(this.#stream).connect(recorder);
    this.#stream.getAudioTracks()[0].onended = onGone;
    await this.#context.resume();
  }

  close() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#context?.close();
  }
}
