// A conversation by the Agents SDK for JavaScript as its documentation has it: `agents_talk.mjs PACKAGES SOCKET_URL KEY SOUND`.
// Prints what came of it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [packages, url, key, file] = process.argv.slice(2);
const require = createRequire(join(packages, 'index.js'));
const { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } = require('@openai/agents-realtime');

const PATIENCE = 180_000;
const BLOCK = 4800;

const errors = [];
const audio = [];
let said = {};
const agent = new RealtimeAgent({ name: 'Assistant', instructions: 'Be kind.' });
const session = new RealtimeSession(agent, { transport: new OpenAIRealtimeWebSocket({ url }) });

const over = new Promise((resolve) => {
  let answered = false;
  const look = () => answered && said.user && said.assistant && resolve();
  session.on('error', ({ error }) => errors.push(JSON.stringify(error)));
  session.on('audio', ({ data }) => audio.push(Buffer.from(data)));
  session.on('audio_stopped', () => { answered = true; look(); });
  session.on('history_updated', (history) => {
    const messages = history.filter(({ type }) => type === 'message');
    said = Object.fromEntries(messages.map(({ role, content }) => [role, content.map(({ transcript }) => transcript ?? '').join('')]));
    look();
  });
  setTimeout(resolve, PATIENCE).unref();
});
await session.connect({ apiKey: key });
const sound = readFileSync(file);
for (let place = 0; place < sound.length; place += BLOCK) {
  session.sendAudio(Uint8Array.from(sound.subarray(place, place + BLOCK)).buffer);
}
await over;
session.close();
process.stdout.write(JSON.stringify({ errors, audio: Buffer.concat(audio).toString('hex'), said }));
