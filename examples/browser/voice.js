// A live conversation and streamed speech from a page, without a key in it: the page's own server has that (server.py).

export const RATE = 24000;

// A session by a client secret, which opens one session and nothing else. `told(event)` is given every event.
export function converse(address, secret, told) {
    const socket = new WebSocket(address, ["realtime", `openai-insecure-api-key.${secret}`]);
    socket.addEventListener("message", (message) => told(JSON.parse(message.data)));
    socket.addEventListener("close", (end) => told({type: "closed", code: end.code, reason: end.reason}));
    const send = (event) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(event));
    return {
        send,
        hear: (samples) => send({type: "input_audio_buffer.append", audio: base64(samples)}),
        close: () => socket.close(1000),
    };
}

// Int16 samples of an event's `delta`.
export function samples(delta) {
    const bytes = Uint8Array.from(atob(delta), (letter) => letter.charCodeAt(0));
    return new Int16Array(bytes.buffer, 0, bytes.length >> 1);
}

// What is said of a text, block by block as it is made: 16 bit, mono, 24 kHz.
export async function* speech(address, text) {
    const answer = await fetch(address, {method: "POST", body: text});
    if (!answer.ok) {
        throw new Error((await answer.json()).error.message);
    }
    const reader = answer.body.getReader();
    let odd = new Uint8Array();
    // half a sample that was cut off
    while (true) {
        const {done, value} = await reader.read();
        if (done) {
            return;
        }
        const made = new Uint8Array(odd.length + value.length);
        made.set(odd);
        made.set(value, odd.length);
        odd = made.slice(made.length & ~1);
        yield new Int16Array(made.buffer, 0, made.length >> 1);
    }
}

function base64(samples) {
    let letters = "";
    for (const byte of new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)) {
        letters += String.fromCharCode(byte);
    }
    return btoa(letters);
}
