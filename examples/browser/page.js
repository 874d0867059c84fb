import {converse, RATE, samples, speech} from "./voice.js";

const said = document.querySelector("#said");
const player = new AudioContext({sampleRate: RATE});
let until = 0;
let playing = [];

function play(pcm) {
    if (!pcm.length) {
        return;
    }
    const buffer = player.createBuffer(1, pcm.length, RATE);
    buffer.copyToChannel(Float32Array.from(pcm, (sample) => sample / 32768), 0);
    const source = player.createBufferSource();
    source.buffer = buffer;
    source.connect(player.destination);
    until = Math.max(until, player.currentTime + 0.05);
    source.start(until);
    until += buffer.duration;
    playing.push(source);
    source.onended = () => (playing = playing.filter((other) => other !== source));
}

function silence() {
    playing.forEach((source) => source.stop());
    until = 0;
}

function write(text) {
    said.append(Object.assign(document.createElement("li"), {textContent: text}));
}

document.querySelector("#speak").addEventListener("submit", async (submitted) => {
    submitted.preventDefault();
    await player.resume();
    for await (const block of speech("/speech", new FormData(submitted.target).get("text"))) {
        play(block);
    }
});

document.querySelector("#talk").addEventListener("click", async () => {
    await player.resume();
    const microphone = await navigator.mediaDevices.getUserMedia({audio: {echoCancellation: true}});
    const {address, secret} = await (await fetch("/secret", {method: "POST"})).json();
    const conversation = converse(address, secret, (event) => {
        if (event.type === "response.output_audio.delta") {
            play(samples(event.delta));
        } else if (event.type === "input_audio_buffer.speech_started") {
            silence();
        } else if (event.type.endsWith("transcription.completed") || event.type === "response.output_audio_transcript.done") {
            write(event.transcript);
        } else if (event.type === "error" || event.type === "closed") {
            write(event.error?.message ?? `closed: ${event.code} ${event.reason}`);
        }
    });
    await player.audioWorklet.addModule("recorder.js");
    const recorder = new AudioWorkletNode(player, "recorder");
    recorder.port.onmessage = ({data}) => conversation.hear(data);
    player.createMediaStreamSource(microphone).connect(recorder);
});
