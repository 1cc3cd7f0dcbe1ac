// The verbs of hosts, asked for over the REST API and seen by real `@livekit/rtc-node` participants whom that API let in.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DisconnectReason, dispose } from '@livekit/rtc-node';
import { RoomServiceClient, TrackSource } from 'livekit-server-sdk';
import { apiKey, apiSecret, httpUrl, until } from './lib/env.mjs';
import { saw } from './lib/guest.mjs';
import { publishTone } from './lib/media.mjs';
import { call, enter, listen, must, register, take } from './lib/rest.mjs';

const people = [];
const tones = [];
let ada;
let ben;
let room;
let callId;
let host;
let member;
let guest;

/** A verb of the call; its answer's JSON. */
const act = (token, verb, body = {}) => must('POST', `/calls/${callId}${verb}`, token, body);
const on = ({ identity }, verb) => `/participants/${encodeURIComponent(identity)}${verb}`;
const seenBy = (viewer, of) => viewer.room.remoteParticipants.get(of.identity);
const attribute = (viewer, of, name) => seenBy(viewer, of)?.attributes[name];
const isMuted = (viewer, of) => [...(seenBy(viewer, of)?.trackPublications.values() ?? [])].some(({ muted }) => muted);
const stays = async () => (await must('GET', `/calls/${callId}/participants?present=true`, ada.token)).items;

/** Whether the media node lets somebody send their microphone; no list of sources means every source. */
async function maySpeak({ identity }) {
  const service = new RoomServiceClient(httpUrl, apiKey, apiSecret);
  const { canPublish, canPublishSources: sources } = (await service.getParticipant(room.id, identity)).permission;
  return canPublish && (sources.length === 0 || sources.includes(TrackSource.MICROPHONE));
}

async function come(person) {
  const joined = await enter(room.code, person);
  people.push(joined);
  return joined;
}

async function speak(person) {
  const tone = await publishTone(person.room);
  tones.push(tone);
  return tone;
}

before(async () => {
  [ada, ben] = await Promise.all([register('Ada'), register('Ben')]);
  room = await must('POST', '/rooms', ada.token, { name: 'Host control', type: 'video', access_level: 'public' });
  host = await come(ada);
  [member, guest] = await Promise.all([come(ben), come({ name: 'Grace' })]);
  callId = (await must('GET', `/rooms/${room.id}/call`, ada.token)).id;
  await until('the call knows all three', async () => (await stays()).length === 3);
});

after(async () => {
  await Promise.all(tones.map((tone) => tone.stop()));
  await Promise.all(people.map((person) => person.leave()));
  await dispose();
});

test('everybody is in under the identity, name and role that the API gave them', async () => {
  await until('the host sees both', () => seenBy(host, member) && seenBy(host, guest));
  assert.equal(seenBy(host, member).name, 'Ben');
  assert.equal(seenBy(host, guest).name, 'Grace');
  assert.equal(attribute(member, host, 'role'), 'host');
  assert.equal(attribute(host, member, 'role'), 'participant');
  assert.equal(attribute(host, guest, 'role'), 'guest');
});

test('a host mutes one: the others see it, and the muted one hears nothing of it but is muted', async () => {
  await speak(member);
  await until('the host hears Ben', () => (host.tracks.get(`${member.identity}/audio`)?.loud ?? 0) > 50, 30_000);
  assert.deepEqual(await act(ada.token, on(member, '/mute')), { muted: 1 });
  await until('the host sees it', () => saw(host, 'trackMuted', member.identity, 'tone'));
  await until('the guest sees it', () => isMuted(guest, member));
  assert.deepEqual(await act(ada.token, on(member, '/mute')), { muted: 0 });
  const refused = await call('POST', `/calls/${callId}${on(host, '/mute')}`, ben.token, {});
  assert.deepEqual([refused.status, refused.json.code], [403, 'forbidden']);
});

test('a host mutes all: guests too, but not the host', async () => {
  await speak(guest);
  await speak(host);
  await until('Ben hears both', () => [guest, host].every((person) => (member.tracks.get(`${person.identity}/audio`)?.loud ?? 0) > 50), 30_000);
  // Ben is muted already.
  assert.deepEqual(await act(ada.token, '/mute-all'), { muted: 1 });
  await until('Ben sees it', () => saw(member, 'trackMuted', guest.identity, 'tone'));
  assert.equal(isMuted(member, host), false);
});

test('a hand is raised and lowered, by its owner and by the host', async () => {
  await act(guest.pass, on(guest, '/hand'), { raised: true });
  const since = await until('the host sees the hand', () => attribute(host, guest, 'hand'));
  assert.ok(Math.abs(Number(since) / 1_000 - Date.now()) < 60_000, since);
  await act(ben.token, on(member, '/hand'), { raised: true });
  await until('the host sees the other hand', () => attribute(host, member, 'hand'));
  const refused = await call('POST', `/calls/${callId}${on(guest, '/hand')}`, ben.token, { raised: false });
  assert.equal(refused.status, 403, 'no participant lowers another’s hand');
  await act(ada.token, on(guest, '/hand'), { raised: false });
  await until('it is down', () => !attribute(member, guest, 'hand'));
  assert.deepEqual(await act(ada.token, '/lower-hands'), { lowered: 1 });
  await until('the other is down too', () => !attribute(guest, member, 'hand'));
});

test('a co-host is seen as one, may lead, and may no longer', async () => {
  const early = await call('POST', `/calls/${callId}/mute-all`, ben.token, {});
  assert.equal(early.status, 403);
  await act(ada.token, on(member, '/role'), { role: 'cohost' });
  await until('the guest sees it', () => attribute(guest, member, 'role') === 'cohost');
  await until('Ben himself sees it', () => member.room.localParticipant.attributes.role === 'cohost');
  await act(ben.token, '/mute-all');
  const ending = await call('POST', `/calls/${callId}/end`, ben.token, {});
  assert.equal(ending.status, 403, 'a co-host does not end the call');
  await act(ada.token, on(member, '/role'), { role: 'participant' });
  await until('it is taken back', () => attribute(guest, member, 'role') === 'participant');
  const late = await call('POST', `/calls/${callId}/mute-all`, ben.token, {});
  assert.equal(late.status, 403);
});

test('a microphone that is blocked goes away, and comes back when it is allowed', async () => {
  const late = await come({ name: 'Lou' });
  await until('the call knows Lou', async () => (await stays()).length === 4);
  await speak(late);
  const heard = () => host.tracks.get(`${late.identity}/audio`);
  await until('the host hears Lou', () => (heard()?.loud ?? 0) > 20, 30_000);
  const old = heard();
  assert.deepEqual((await act(ada.token, on(late, '/permissions'), { microphone: false })).blocked, ['microphone']);
  await until('Lou may not speak', async () => !(await maySpeak(late)));
  await until('the host sees it go', () => saw(host, 'trackUnpublished', late.identity, 'tone'));
  assert.deepEqual((await act(ada.token, on(late, '/permissions'), { microphone: true })).blocked, []);
  // The permission reaches the node by a job.
  await until('Lou may again', () => maySpeak(late));
  await speak(late);
  await until('the host hears Lou again', () => heard() !== old && heard().loud > 20, 30_000);
  await late.leave();
  await until('Lou left', async () => (await stays()).length === 3);
});

test('a locked call takes nobody new, and lets back who was in it', async () => {
  assert.ok((await act(ada.token, '/lock')).locked_at);
  const stranger = await register('Zoe');
  const refused = await call('POST', `/rooms/${room.code}/join`, stranger.token, {});
  assert.deepEqual([refused.status, refused.json.code], [403, 'call_locked']);
  const asGuest = await call('POST', `/rooms/${room.code}/join`, undefined, { display_name: 'Zoe' });
  assert.deepEqual([asGuest.status, asGuest.json.code], [403, 'call_locked']);
  await member.leave();
  await until('the host sees Ben leave', () => saw(host, 'participantDisconnected', member.identity));
  member = await come(ben);
  await until('Ben is back', () => seenBy(host, member));
  assert.equal((await act(ada.token, '/unlock')).locked_at, null);
  await must('POST', `/rooms/${room.code}/join`, stranger.token, {});
});

test('somebody removed is told so, and their token opens nothing', async () => {
  const join = await must('POST', `/rooms/${room.code}/join`, undefined, { display_name: 'Mallory' });
  const mallory = await take(join);
  people.push(mallory);
  await until('the host sees Mallory', () => seenBy(host, mallory));
  await until('the call knows Mallory', async () => (await stays()).some(({ identity }) => identity === mallory.identity));
  await act(ada.token, on(mallory, '/remove'));
  await until('Mallory is told', () => saw(mallory, 'disconnected'));
  assert.ok(saw(mallory, 'disconnected', DisconnectReason.PARTICIPANT_REMOVED), JSON.stringify(mallory.events));
  await until('the host sees it', () => saw(host, 'participantDisconnected', mallory.identity));
  await assert.rejects(take(join));
  await until('the call knows', async () => !(await stays()).some(({ identity }) => identity === mallory.identity));
});

test('people are sent to breakouts, meet there, and are called back', async () => {
  const path = `/calls/${callId}/breakouts`;
  const { items } = await must('POST', path, ada.token, { names: ['Red', 'Blue'], assign: 'manually' });
  const [red, blue] = items;
  await until('the call knows both', async () => {
    const present = (await stays()).map(({ identity }) => identity);
    return present.includes(member.identity) && present.includes(guest.identity);
  });
  const assignments = [member, guest].map(({ identity }) => ({ participant: identity, breakout_id: red.id }));
  await must('PUT', `${path}/assignments`, ada.token, { assignments });
  const events = await listen(ben.token, `room:${room.id}`);
  const told = (type) => events.told.find((event) => event.type === type);
  await act(ada.token, '/breakouts/open');
  const opened = await until('the event says where everybody goes', () => told('breakouts.opened'));
  assert.ok(JSON.stringify(opened).includes(red.id) && JSON.stringify(opened).includes(ben.id), JSON.stringify(opened));
  for (const person of [member, guest]) {
    await until('the attribute sends them', () => person.room.localParticipant.attributes.breakout === red.id);
  }
  const wrong = await call('POST', `${path}/${blue.id}/join`, ben.token, {});
  assert.deepEqual([wrong.status, wrong.json.code], [403, 'not_assigned']);

  const [bensJoin, gracesJoin] = [
    await must('POST', `${path}/${red.id}/join`, ben.token, {}),
    await must('POST', `${path}/${red.id}/join`, guest.pass, {}),
  ];
  await Promise.all([member.leave(), guest.leave()]);
  const [benInside, graceInside] = await Promise.all([take(bensJoin), take(gracesJoin)]);
  people.push(benInside, graceInside);
  await until('they meet', () => seenBy(benInside, graceInside) && seenBy(graceInside, benInside));
  assert.equal(benInside.room.remoteParticipants.size, 1, 'the host is elsewhere');
  await speak(benInside);
  await until('they hear each other', () => (graceInside.tracks.get(`${benInside.identity}/audio`)?.loud ?? 0) > 50, 30_000);
  await until('the host sees two inside', async () => {
    const list = await must('GET', path, ada.token);
    return list.items.find(({ id }) => id === red.id).present === 2;
  });

  await act(ada.token, '/breakouts/close', { grace_s: 3 });
  await until('the event says so', () => told('breakouts.closing'));
  const recall = await until('they are told until when', () => graceInside.room.localParticipant.attributes.recall_at);
  assert.ok(Math.abs(new Date(recall) - Date.now()) < 10_000, recall);
  await benInside.leave();
  member = await come(ben);
  await until('Ben is back', () => seenBy(host, member));
  // Grace waits until the time is over.
  await until('who stays is sent away', () => saw(graceInside, 'disconnected'), 30_000);
  const back = await must('POST', `/rooms/${room.code}/join`, guest.pass, {});
  guest = await take(back);
  people.push(guest);
  await until('Grace is back as herself', () => seenBy(host, guest)?.identity === graceInside.identity);
  assert.deepEqual((await must('GET', path, ada.token)).items, []);
  await until('the event says that they are closed', () => told('breakouts.closed'));
  events.stop();
});

test('the call ends for all, in the room and in the books', async () => {
  await act(ada.token, '/end');
  for (const person of [host, member, guest]) {
    await until('everybody is told', () => saw(person, 'disconnected'));
    assert.ok(saw(person, 'disconnected', DisconnectReason.ROOM_DELETED), JSON.stringify(person.events.at(-1)));
  }
  const ended = await must('GET', `/calls/${callId}`, ada.token);
  assert.deepEqual([ended.state, ended.end_reason], ['ended', 'ended_by_host']);
  const everybody = (await must('GET', `/calls/${callId}/participants`, ada.token)).items;
  assert.ok(everybody.length >= 5 && everybody.every(({ left_at: left }) => left), JSON.stringify(everybody));
  const open = await call('GET', `/rooms/${room.id}/call`, ada.token);
  assert.notEqual(open.json?.id, callId);
});
