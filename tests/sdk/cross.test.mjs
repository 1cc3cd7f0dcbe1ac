// A rtc-node and a Python participant in one room see and hear each other.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { joinToken, uniqueRoom, until } from './lib/env.mjs';
import { join } from './lib/guest.mjs';
import { publishPicture, publishTone } from './lib/media.mjs';

const python = process.env.SDK_PYTHON;
after(dispose);

test('rtc-node and Python in one room', { skip: !python && 'SDK_PYTHON is not set' }, async () => {
  const room = uniqueRoom('cross');
  const node = await join(room, 'node');
  const tone = await publishTone(node.room);
  const picture = await publishPicture(node.room, { width: 320, height: 180, simulcast: true });
  const child = spawn(python, [new URL('participant.py', import.meta.url).pathname], {
    env: { ...process.env, LIVEKIT_TOKEN: await joinToken(room, 'python'), LIVEKIT_SECONDS: '40' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  try {
    await until('node hears Python', () => (node.tracks.get('python/audio')?.loud ?? 0) > 50, 40_000);
    await until('node sees Python', () => (node.tracks.get('python/video')?.frames ?? 0) > 20, 40_000);
    const received = () => lines.findLast(({ event }) => event === 'progress')?.received ?? {};
    await until('Python hears node', () => (received()['node/audio']?.loud ?? 0) > 50, 40_000);
    await until('Python sees node', () => (received()['node/video']?.frames ?? 0) > 20, 40_000);
  } finally {
    child.kill('SIGTERM');
    await exited;
    await Promise.all([tone.stop(), picture.stop()]);
    await node.leave();
  }
  assert.equal(lines.at(-1)?.event, 'summary');
});
