// What the microphone hears, in blocks of 100 ms of 16 bit; the context has the rate that the service wants.
const BLOCK = 2400;

class Recorder extends AudioWorkletProcessor {
    block = new Int16Array(BLOCK);
    filled = 0;

    process([[channel]]) {
        for (const sample of channel ?? []) {
            this.block[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
            if (this.filled === BLOCK) {
                this.port.postMessage(this.block, [this.block.buffer]);
                this.block = new Int16Array(BLOCK);
                this.filled = 0;
            }
        }
        return true;
    }
}

registerProcessor("recorder", Recorder);
