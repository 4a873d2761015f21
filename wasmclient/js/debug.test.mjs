import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { clearDebugSink, debug, filter, setDebugSink } from './debug.js';

const { DEBUG } = process.env;
const write = console.debug;
afterEach(() => {
  console.debug = write;
  clearDebugSink();
  if (DEBUG === undefined) delete process.env.DEBUG;
  else process.env.DEBUG = DEBUG;
});

test('a filter means what it means in Go', () => { // debug/debug_test.go has the same table
  for (const [text, namespace, level, want] of [
    ['', 'app', 'warn', false], ['', 'app', 'error', true], ['-*', 'app', 'error', true], ['app', 'app', 'debug', true],
    ['app', 'app.part', 'debug', true], ['app', 'apple', 'warn', false], ['app*', 'apple', 'debug', true], ['app.*', 'app', 'debug', true],
    ['app.*', 'app.part.piece', 'debug', true], ['app.*', 'apple', 'debug', false], ['*', 'anything', 'debug', true], ['*', '', 'debug', true],
    ['App', 'app', 'debug', false], ['app:warn', 'app', 'info', false], ['app:warn', 'app', 'warn', true], ['app:*', 'app.part', 'debug', true],
    ['app:nonsense', 'app', 'debug', true], ['*,-app', 'app.part', 'warn', false], ['-app, *', 'other', 'debug', true],
    ['*,-app:info', 'app', 'info', false], ['*,-app:info', 'app', 'debug', true], ['one\ttwo\nthree', 'two', 'debug', true],
    [',, -,', 'app', 'warn', false], ['lmz.gateway:*,-lmz.gateway.session', 'lmz.gateway.session', 'debug', false],
    ['lmz.gateway:*,-lmz.gateway.session', 'lmz.gateway.call', 'debug', true],
  ]) assert.equal(filter(text)(namespace, level), want, `${text}, ${namespace} ${level}`);
});

test('an entry has the members of the original, and no secrets', () => {
  const lines = [];
  console.debug = (line) => lines.push(line);
  process.env.DEBUG = 'app:info';
  const log = debug('app.part');
  log.debug('not shown');
  const data = { n: 1n, token: 'hush', header: 'Bearer hush', jwt: 'at eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2ln now', why: new Error('why') };
  data.self = data;
  data.twice = [data.why, data.why];
  log.info('shown', data);
  debug('other').error('always');
  assert.deepStrictEqual([log.namespace, log.enabled, debug('other').enabled], ['app.part', true, false]);
  assert.equal(lines.length, 2);
  assert.ok(lines[0].startsWith('{\n  "type": "debug",\n  "level": "info",\n  "namespace": "app.part",\n  "message": "shown",\n  "timestamp": "'), lines[0]);
  const { data: got } = JSON.parse(lines[0]);
  assert.deepStrictEqual([got.n, got.token, got.header, got.jwt, got.self], ['1n', '[redacted]', '[redacted]', 'at [redacted] now', '[Circular]']);
  assert.deepStrictEqual([got.why.message, got.twice[1].message], ['why', 'why']);
  assert.equal('data' in JSON.parse(lines[1]), false);
});

test('a sink takes everything', () => {
  const entries = [];
  console.debug = () => assert.fail('the console was used');
  setDebugSink((entry) => entries.push(entry));
  const log = debug('quiet');
  log.debug('one', { a: 1 });
  assert.equal(log.enabled, true);
  setDebugSink(null);
  log.debug('two');
  assert.deepStrictEqual(entries.map(({ timestamp, ...rest }) => rest), [{ type: 'debug', level: 'debug', namespace: 'quiet', message: 'one', data: { a: 1 } }]);
});
