// npm `livekit-server-sdk`: every RoomService method of this node, tokens, and the webhook receiver.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { dispose } from '@livekit/rtc-node';
import { DataPacket_Kind, RoomServiceClient, TokenVerifier, TrackType, TwirpError, WebhookReceiver } from 'livekit-server-sdk';
import { apiKey, apiSecret, httpUrl, joinToken, uniqueRoom, until } from './lib/env.mjs';
import { join, saw } from './lib/guest.mjs';
import { publishTone } from './lib/media.mjs';

const client = new RoomServiceClient(httpUrl, apiKey, apiSecret);
const name = uniqueRoom('server-sdk');
// The node sends webhooks here if it is configured so; LIVEKIT_WEBHOOK_LISTEN=host:port says that it is.
const listen = process.env.LIVEKIT_WEBHOOK_LISTEN;
const webhooks = [];
let receiver;
let guest;
let tone;

async function refused(promise, status, code) {
  const error = await promise.then(() => undefined, (error) => error);
  assert.ok(error instanceof TwirpError, `expected an error, got ${error}`);
  assert.equal(error.status, status);
  if (code) assert.equal(error.code, code);
}

before(async () => {
  if (!listen) return;
  const verifier = new WebhookReceiver(apiKey, apiSecret);
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', async () => {
      try {
        webhooks.push({ type: request.headers['content-type'], event: await verifier.receive(body, request.headers.authorization) });
        response.writeHead(200).end();
      } catch (error) {
        webhooks.push({ error: String(error) });
        response.writeHead(401).end();
      }
    });
  });
  const [host, port] = listen.split(':');
  await new Promise((resolve) => receiver.listen(Number(port), host, resolve));
});

after(async () => {
  await tone?.stop();
  await guest?.leave();
  receiver?.close();
  await dispose();
});

test('a room is created, listed and described', async () => {
  const room = await client.createRoom({ name, emptyTimeout: 60, maxParticipants: 5, metadata: 'first' });
  assert.match(room.sid, /^RM_/);
  assert.deepEqual([room.name, room.emptyTimeout, room.maxParticipants, room.metadata], [name, 60, 5, 'first']);
  assert.ok(Math.abs(Number(room.creationTime) - Date.now() / 1000) < 60);
  assert.deepEqual((await client.listRooms([name])).map(({ sid }) => sid), [room.sid]);
  assert.ok((await client.listRooms()).some(({ sid }) => sid === room.sid));
  assert.deepEqual(await client.listRooms([uniqueRoom('unknown')]), []);
  const again = await client.createRoom({ name });
  assert.equal(again.sid, room.sid, 'creating is idempotent');
});

test('room metadata changes and reaches the participants', async () => {
  guest = await join(name, 'guest', { grant: { canUpdateOwnMetadata: false } });
  const room = await client.updateRoomMetadata(name, 'second');
  assert.equal(room.metadata, 'second');
  await until('the guest sees it', () => guest.room.metadata === 'second');
});

test('participants are listed and described, with their tracks', async () => {
  tone = await publishTone(guest.room);
  const listed = await until('the track is listed', async () => {
    const participants = await client.listParticipants(name);
    return participants.length === 1 && participants[0].tracks.length === 1 && participants[0];
  });
  const described = await client.getParticipant(name, 'guest');
  assert.deepEqual([described.sid, described.name, described.identity], [listed.sid, 'guest by name', 'guest']);
  assert.deepEqual([described.tracks[0].sid, described.tracks[0].type], [tone.publication.sid, TrackType.AUDIO]);
  assert.ok(described.permission.canPublish && described.permission.canSubscribe);
  assert.equal((await client.listRooms([name]))[0].numParticipants, 1);
  assert.deepEqual(await client.listParticipants(uniqueRoom('unknown')), []);
});

test('a participant is updated: metadata, name, attributes, permission', async () => {
  const updated = await client.updateParticipant(name, 'guest', {
    metadata: 'seated',
    name: 'Guest of honour',
    attributes: { seat: '3' },
    permission: { canSubscribe: true, canPublish: true, canPublishData: false, canUpdateMetadata: true, hidden: false },
  });
  assert.deepEqual([updated.metadata, updated.name, updated.attributes.seat], ['seated', 'Guest of honour', '3']);
  assert.equal(updated.permission.canPublishData, false);
  await until('the guest knows', () => guest.room.localParticipant.metadata === 'seated' && guest.room.localParticipant.name === 'Guest of honour');
});

test('a track is muted; unmuting is refused unless the node allows it', async () => {
  const track = await client.mutePublishedTrack(name, 'guest', tone.publication.sid, true);
  assert.equal(track.muted, true);
  await until('the guest is muted', () => tone.publication.muted || saw(guest, 'trackMuted', 'guest', 'tone'));
  // Whether a server may unmute is a setting of the node; refused or done, nothing in between.
  const unmute = client.mutePublishedTrack(name, 'guest', tone.publication.sid, false);
  const unmuted = await unmute.catch(() => undefined);
  if (unmuted) assert.equal(unmuted.muted, false);
  else await refused(unmute, 412, 'failed_precondition');
});

test('data is sent from the server', async () => {
  await client.sendData(name, new TextEncoder().encode('from above'), DataPacket_Kind.RELIABLE, { topic: 'news' });
  const message = await until('the guest receives it', () => guest.messages.find(({ text }) => text === 'from above'));
  assert.deepEqual([message.topic, message.from], ['news', undefined]);
  await client.sendData(name, new TextEncoder().encode('not for you'), DataPacket_Kind.RELIABLE, { destinationIdentities: ['nobody'] });
  await client.sendData(name, new TextEncoder().encode('for you'), DataPacket_Kind.LOSSY, { destinationIdentities: ['guest'] });
  await until('addressed', () => guest.messages.some(({ text }) => text === 'for you'));
  assert.ok(!guest.messages.some(({ text }) => text === 'not for you'));
});

test('what does not exist is not found', async () => {
  const unknown = uniqueRoom('unknown');
  await refused(client.getParticipant(name, 'nobody'), 404, 'not_found');
  await refused(client.removeParticipant(name, 'nobody'), 404, 'not_found');
  await refused(client.updateParticipant(name, 'nobody', { metadata: 'x' }), 404, 'not_found');
  await refused(client.updateRoomMetadata(unknown, 'x'), 404, 'not_found');
  await refused(client.deleteRoom(unknown), 404, 'not_found');
});

test('a wrong secret, key or grant is refused', async () => {
  await refused(new RoomServiceClient(httpUrl, apiKey, `${apiSecret}x`).listRooms(), 401);
  await refused(new RoomServiceClient(httpUrl, 'unknown', apiSecret).listRooms(), 401);
  const response = await fetch(`${httpUrl}/twirp/livekit.RoomService/ListRooms`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await joinToken(name, 'guest')}` },
    body: '{}',
  });
  assert.equal(response.status, 401);
  assert.equal((await response.json()).code, 'unauthenticated');
});

test('our refreshed token is one that the SDK verifies', async () => {
  const claims = await new TokenVerifier(apiKey, apiSecret).verify(await joinToken(name, 'x'));
  assert.equal(claims.video.room, name);
});

test('a removed participant is gone', async () => {
  await client.removeParticipant(name, 'guest');
  await until('the guest is told', () => saw(guest, 'disconnected'));
  await until('nobody is listed', async () => (await client.listParticipants(name)).length === 0);
});

test('a deleted room sends everybody out', async () => {
  const last = await join(name, 'last');
  await client.deleteRoom(name);
  await until('the last is told', () => saw(last, 'disconnected'));
  await until('the room is gone', async () => (await client.listRooms([name])).length === 0);
});

test('webhooks are signed, ordered and complete', { skip: !listen && 'LIVEKIT_WEBHOOK_LISTEN is not set' }, async () => {
  const ours = () => webhooks.filter(({ event }) => event?.room?.name === name);
  await until('room_finished', () => ours().some(({ event }) => event.event === 'room_finished'));
  assert.deepEqual(webhooks.filter(({ error }) => error), [], 'every signature holds');
  const events = ours();
  assert.ok(events.every(({ type }) => type === 'application/webhook+json'));
  assert.ok(events.every(({ event }) => event.id.startsWith('EV_')));
  assert.equal(new Set(events.map(({ event }) => event.id)).size, events.length);
  const names = events.map(({ event }) => event.event);
  assert.equal(names[0], 'room_started');
  assert.equal(names.at(-1), 'room_finished');
  const of = (identity) => events.filter(({ event }) => event.participant?.identity === identity).map(({ event }) => event.event);
  assert.deepEqual(of('guest'), ['participant_joined', 'track_published', 'track_unpublished', 'participant_left']);
  assert.deepEqual(of('last').filter((event) => event !== 'participant_connection_aborted').at(-1), 'participant_left');
});
