// `@livekit/rtc-node`: two participants publish to each other, talk, change, mute, unpublish, are removed, leave.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { RoomServiceClient } from 'livekit-server-sdk';
import { apiKey, apiSecret, httpUrl, joinToken, sleep, uniqueRoom, until, url } from './lib/env.mjs';
import { join, joinWith, saw } from './lib/guest.mjs';
import { publishPicture, publishTone } from './lib/media.mjs';

const roomName = uniqueRoom('rtc-node');
let alice;
let bob;
const sources = {};

before(async () => {
  [alice, bob] = await Promise.all([join(roomName, 'alice'), join(roomName, 'bob')]);
});

after(async () => {
  await Promise.all(Object.values(sources).map((source) => source.stop()));
  await Promise.all([alice?.leave(), bob?.leave()]);
  await dispose();
});

test('both see each other, with name and sid', async () => {
  const seen = await until('bob sees alice', () => bob.room.remoteParticipants.get('alice'));
  assert.equal(seen.name, 'alice by name');
  assert.match(seen.sid, /^PA_/);
  await until('alice sees bob', () => alice.room.remoteParticipants.get('bob'));
  assert.match(await alice.room.getSid(), /^RM_/);
  assert.equal(alice.room.name, roomName);
});

test('audio and video flow in both directions', async () => {
  sources.aliceTone = await publishTone(alice.room);
  sources.bobTone = await publishTone(bob.room, 880);
  sources.alicePicture = await publishPicture(alice.room);
  sources.bobPicture = await publishPicture(bob.room, { width: 320, height: 180 });
  assert.match(sources.aliceTone.publication.sid, /^TR_/);
  for (const [guest, from, width] of [[alice, 'bob', 320], [bob, 'alice', 640]]) {
    const audio = () => guest.tracks.get(`${from}/audio`);
    const video = () => guest.tracks.get(`${from}/video`);
    await until(`audible sound of ${from}`, () => (audio()?.loud ?? 0) > 100, 30_000);
    await until(`pictures of ${from}`, () => (video()?.frames ?? 0) > 30, 30_000);
    await until(`pictures of ${from} in full size`, () => video().width === width, 30_000);
    assert.equal(video().width * 9, video().height * 16);
  }
});

test('the speaker is announced', async () => {
  await until('alice is a speaker', () => bob.events.some(([name, who]) => name === 'activeSpeakersChanged' && who.includes('alice')));
});

test('data arrives reliably, lossily, by topic and only where it is addressed', async () => {
  const send = (guest, text, options) => guest.room.localParticipant.publishData(new TextEncoder().encode(text), options);
  await send(alice, 'to everybody', { reliable: true, topic: 'chat' });
  await send(alice, 'quickly', { reliable: false });
  const everybody = await until('reliable', () => bob.messages.find(({ text }) => text === 'to everybody'));
  assert.deepEqual([everybody.from, everybody.topic], ['alice', 'chat']);
  await until('lossy', () => bob.messages.find(({ text }) => text === 'quickly'));
  await send(bob, 'to nobody here', { reliable: true, destination_identities: ['carol'] });
  await send(bob, 'to alice', { reliable: true, destination_identities: ['alice'] });
  await until('addressed', () => alice.messages.find(({ text }) => text === 'to alice'));
  assert.ok(!alice.messages.some(({ text }) => text === 'to nobody here'));
  assert.ok(!alice.messages.some(({ from }) => from === 'alice'), 'nothing comes back to its sender');
  for (let i = 0; i < 200; i++) await send(alice, `in order ${i}`, { reliable: true });
  const ordered = () => bob.messages.filter(({ text }) => text.startsWith('in order'));
  await until('200 messages', () => ordered().length === 200);
  assert.deepEqual(ordered().map(({ text }) => text), Array.from({ length: 200 }, (_, i) => `in order ${i}`));
  await send(alice, 'x'.repeat(14_000), { reliable: true });
  await until('a large message', () => bob.messages.some(({ text }) => text.length === 14_000));
});

test('a stream of 1.8 MB arrives whole', async () => {
  const payload = randomBytes(1_800_000);
  const received = new Promise((resolve) => {
    bob.room.registerByteStreamHandler('file', async (reader) => resolve(Buffer.concat(await reader.readAll())));
  });
  const writer = await alice.room.localParticipant.streamBytes({ topic: 'file', totalSize: payload.length });
  for (let at = 0; at < payload.length; at += 65_536) await writer.write(payload.subarray(at, at + 65_536));
  await writer.close();
  let whole;
  received.then((bytes) => { whole = bytes; });
  await until('the stream', () => whole, 30_000);
  assert.ok(whole.equals(payload));
});

test('a remote procedure call is answered', async () => {
  bob.room.localParticipant.registerRpcMethod('greet', async ({ callerIdentity, payload }) => `${payload}, ${callerIdentity}`);
  const answer = await alice.room.localParticipant.performRpc({ destinationIdentity: 'bob', method: 'greet', payload: 'hello' });
  assert.equal(answer, 'hello, alice');
});

test('metadata, name and attributes of a participant reach the others', async () => {
  await alice.room.localParticipant.updateMetadata('{"hand":1}');
  await until('metadata', () => saw(bob, 'participantMetadataChanged', 'alice', '{"hand":1}'));
  await alice.room.localParticipant.updateName('Alice');
  await until('name', () => saw(bob, 'participantNameChanged', 'alice', 'Alice'));
  await alice.room.localParticipant.setAttributes({ hand: 'up' });
  await until('attributes', () => bob.room.remoteParticipants.get('alice').attributes.hand === 'up');
});

test('a track muted by the server is seen as muted', async () => {
  await new RoomServiceClient(httpUrl, apiKey, apiSecret).mutePublishedTrack(roomName, 'alice', sources.aliceTone.publication.sid, true);
  await until('muted', () => saw(bob, 'trackMuted', 'alice', 'tone'));
  await until('silence', async () => {
    const { loud } = bob.tracks.get('alice/audio');
    await sleep(500);
    return bob.tracks.get('alice/audio').loud === loud;
  });
  await alice.room.localParticipant.unpublishTrack(sources.aliceTone.publication.sid);
  await sources.aliceTone.stop();
  sources.aliceTone = await publishTone(alice.room);
  await until('sound again', () => bob.tracks.get('alice/audio').loud > 20);
});

test('a subscription ends and begins again', async () => {
  const publication = [...bob.room.remoteParticipants.get('alice').trackPublications.values()].find(({ name }) => name === 'picture');
  publication.setSubscribed(false);
  await until('unsubscribed', () => saw(bob, 'trackUnsubscribed', 'alice', 'picture'));
  const old = bob.tracks.get('alice/video');
  publication.setSubscribed(true);
  const fresh = await until('subscribed again', () => bob.tracks.get('alice/video') !== old && bob.tracks.get('alice/video'));
  await until('pictures again', () => fresh.frames > 20);
});

test('unpublish is seen, and the next publication arrives', async () => {
  await alice.room.localParticipant.unpublishTrack(sources.alicePicture.publication.sid);
  await sources.alicePicture.stop();
  await until('unpublished', () => saw(bob, 'trackUnpublished', 'alice', 'picture'));
  const old = bob.tracks.get('alice/video');
  sources.alicePicture = await publishPicture(alice.room, { width: 640, height: 360, simulcast: true });
  const fresh = await until('a new track', () => bob.tracks.get('alice/video') !== old && bob.tracks.get('alice/video'));
  await until('its pictures', () => fresh.frames > 20, 30_000);
});

test('who comes later sees and hears everything', async () => {
  const carol = await join(roomName, 'carol');
  try {
    for (const name of ['alice/audio', 'bob/audio']) await until(name, () => (carol.tracks.get(name)?.loud ?? 0) > 20, 30_000);
    for (const name of ['alice/video', 'bob/video']) await until(name, () => (carol.tracks.get(name)?.frames ?? 0) > 10, 30_000);
  } finally {
    await carol.leave();
  }
  await until('alice sees carol leave', () => saw(alice, 'participantDisconnected', 'carol'));
});

test('without permission to publish or subscribe nothing goes through', async () => {
  const silent = await join(roomName, 'silent', { grant: { canPublish: false, canSubscribe: false, canPublishData: false } });
  try {
    await assert.rejects(publishTone(silent.room));
    await silent.room.localParticipant.publishData(new TextEncoder().encode('forbidden'), { reliable: true }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(silent.tracks.size, 0);
    assert.ok(!alice.messages.some(({ text }) => text === 'forbidden'));
  } finally {
    await silent.leave();
  }
});

test('the same identity again replaces the first', async () => {
  const first = await join(roomName, 'twin');
  const second = await join(roomName, 'twin');
  await until('the first is told', () => saw(first, 'disconnected'));
  assert.ok(second.room.isConnected);
  assert.ok([...alice.room.remoteParticipants.keys()].filter((identity) => identity === 'twin').length === 1);
  await second.leave();
});

test('a removed participant is told and cannot come back with its token', async () => {
  const token = await joinToken(roomName, 'mallory');
  const mallory = await joinWith(token);
  await until('alice sees mallory', () => alice.room.remoteParticipants.get('mallory'));
  await new RoomServiceClient(httpUrl, apiKey, apiSecret).removeParticipant(roomName, 'mallory');
  await until('mallory is told', () => saw(mallory, 'disconnected'));
  await until('alice sees it', () => saw(alice, 'participantDisconnected', 'mallory'));
  await assert.rejects(joinWith(token));
});

test('a token for nothing is refused', async () => {
  await assert.rejects(joinWith(await joinToken(roomName, 'eve', { roomJoin: false })));
  await assert.rejects(joinWith('not.a.token'));
  assert.ok(url.startsWith('ws'));
});
