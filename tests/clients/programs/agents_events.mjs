// Reads events as the Agents SDK for JavaScript does, with its own schemas: an event that fails its own is demoted to one of no kind.
import { createRequire } from 'node:module';
import { join, dirname } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(join(process.argv[2], 'index.js'));
const { parseRealtimeEvent, realtimeServerEventSchema } = require(
  join(dirname(require.resolve('@openai/agents-realtime')), 'openaiRealtimeEvents.js'),
);

for await (const line of createInterface({ input: process.stdin })) {
  const { isGeneric } = parseRealtimeEvent({ data: line });
  const objection = isGeneric ? JSON.stringify(realtimeServerEventSchema.safeParse(JSON.parse(line)).error.issues) : '';
  process.stdout.write(JSON.stringify(objection) + '\n');
}
