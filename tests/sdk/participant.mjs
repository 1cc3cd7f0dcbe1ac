// One rtc-node participant for other tests: joins LIVEKIT_URL with LIVEKIT_TOKEN (or mints one for LIVEKIT_ROOM and
// LIVEKIT_IDENTITY with the API key), publishes a tone and a picture, meters what the others send, and writes JSON lines:
// `joined`, one `progress` a second, and at the end (SIGTERM, or LIVEKIT_SECONDS over) `summary`.
import { dispose } from '@livekit/rtc-node';
import { publishPicture, publishTone } from './lib/media.mjs';

const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
process.env.LIVEKIT_API_KEY ??= 'unused';
process.env.LIVEKIT_API_SECRET ??= 'unused';
const { joinWith } = await import('./lib/guest.mjs');
const { joinToken } = await import('./lib/env.mjs');

const { LIVEKIT_TOKEN, LIVEKIT_ROOM, LIVEKIT_IDENTITY = 'rtc-node', LIVEKIT_SECONDS = '60' } = process.env;
const guest = await joinWith(LIVEKIT_TOKEN ?? (await joinToken(LIVEKIT_ROOM, LIVEKIT_IDENTITY)));
write({ event: 'joined', identity: guest.room.localParticipant.identity, sid: guest.room.localParticipant.sid });
const tone = await publishTone(guest.room);
const picture = await publishPicture(guest.room, { width: 320, height: 180, fps: 15 });
write({ event: 'published' });

const received = () => Object.fromEntries([...guest.tracks].map(([name, { frames, loud, width, height }]) => [name, { frames, loud, width, height }]));
const progress = setInterval(() => write({ event: 'progress', received: received() }), 1000);
await Promise.race([
  new Promise((resolve) => setTimeout(resolve, Number(LIVEKIT_SECONDS) * 1000)),
  new Promise((resolve) => process.once('SIGTERM', resolve)),
  new Promise((resolve) => guest.room.once('disconnected', resolve)),
]);
clearInterval(progress);
write({ event: 'summary', received: received(), messages: guest.messages.length });
await Promise.all([tone.stop(), picture.stop()]);
await guest.leave();
await dispose();
process.exit(0);
