// Where the node under test is, and tokens for it. Reads LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET.
import { AccessToken } from 'livekit-server-sdk';

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export const url = required('LIVEKIT_URL').replace(/^http/, 'ws');
export const httpUrl = url.replace(/^ws/, 'http');
export const apiKey = required('LIVEKIT_API_KEY');
export const apiSecret = required('LIVEKIT_API_SECRET');

/** A name that no other run uses. */
export function uniqueRoom(prefix) {
  return `${prefix}-${process.pid}-${Date.now().toString(36)}-${Math.floor(Math.random() * 1e6)}`;
}

/** A join token; `grant` overrides single grants. */
export async function joinToken(room, identity, grant = {}) {
  const token = new AccessToken(apiKey, apiSecret, { identity, name: `${identity} by name`, ttl: '10m' });
  token.addGrant({ room, roomJoin: true, canUpdateOwnMetadata: true, ...grant });
  return await token.toJwt();
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `condition` gives something truthy and returns it; fails with `what` after `ms`. */
export async function until(what, condition, ms = 20_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`timed out after ${ms} ms: ${what}`);
    await sleep(25);
  }
}
