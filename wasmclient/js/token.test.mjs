import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { Tokens } from './token.js';

const server = Date.UTC(2026, 10, 28) / 1000; // its clock, in seconds
const base64 = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
const tokenAt = (now, life = 60, more) => `${base64({ alg: 'none' })}.${base64({ sub: 'ann', iat: now, exp: now + life, ...more })}.x`;

/** Runs f with a clock off by wrong seconds; pass advances time, sleep only that of dates. */
async function withClock(wrong, f) {
  let ticks = 0;
  mock.timers.enable({ apis: ['Date'], now: (server + wrong) * 1000 });
  mock.method(performance, 'now', () => ticks);
  const sleep = (seconds) => mock.timers.tick(seconds * 1000);
  const pass = (seconds) => { sleep(seconds); ticks += seconds * 1000; };
  try {
    return await f(pass, sleep);
  } finally {
    mock.timers.reset();
    mock.restoreAll();
  }
}

/** Asks for the token every second and counts the refreshes. */
async function refreshes(wrong, answer) {
  return withClock(wrong, async (pass) => {
    const tokens = new Tokens();
    let n = 0, now = server;
    const refresh = async () => { n++; return answer(now); };
    for (; now < server + 300; now++, pass(1)) await tokens.get(refresh);
    return n;
  });
}

test('a clock that is wrong changes nothing of when a token is refreshed', async () => {
  const full = (now) => ({ access_token: tokenAt(now), expires_in: 60 });
  const bare = (now) => ({ access_token: tokenAt(now) });
  const opaque = (now) => ({ access_token: tokenAt(now, 60, { iat: undefined, exp: undefined, jti: now }), expires_in: 60 });
  for (const answer of [full, bare, opaque]) {
    for (const wrong of [0, 3600, -3600, 40]) assert.equal(await refreshes(wrong, answer), 10, `${wrong} s`);
  }
});

test('a token that is returned again is as old as it is', async () => {
  const cached = tokenAt(server, 100);
  await withClock(3600, async (pass) => {
    const tokens = new Tokens(cached);
    const refresh = async () => ({ access_token: cached, expires_in: 100 });
    pass(80);
    await tokens.get(refresh);
    assert.equal(tokens.left, 20);
  });
});

test('the time that a machine slept counts', async () => {
  await withClock(3600, async (_, sleep) => {
    const tokens = new Tokens(tokenAt(server, 900));
    assert.equal(tokens.left, 900);
    sleep(890);
    assert.equal(tokens.left, 10);
  });
});

test('an opaque token is kept until the gateway says that it ends', async () => {
  await withClock(3600, async (pass) => {
    const tokens = new Tokens();
    let n = 0;
    const refresh = async () => ({ access_token: `opaque/${++n}` });
    assert.equal(await tokens.get(refresh), 'opaque/1');
    pass(100);
    assert.equal(await tokens.get(refresh), 'opaque/1');
    assert.equal(tokens.claims, null);
    assert.equal(tokens.left, undefined);
    assert.equal(await tokens.get(refresh, undefined, '', true), 'opaque/2');
    assert.equal(await tokens.get(refresh, undefined, 'opaque/2'), 'opaque/3');
  });
});
