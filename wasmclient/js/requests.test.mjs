import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decode, encode } from './cbor.js';
import { readValue } from './json-read.js';
import { writeValue } from './json-write.js';
import { RequestSync, ResponseSync } from './requests.js';

const bytes = (text) => new TextEncoder().encode(text);

test('a request is made of a URL, a Request, another one, or its members', async () => {
  const made = new RequestSync('HTTPS://example.com:443/a b', { method: 'post', headers: { 'X-A': '1' }, body: { a: 1 }, credentials: 'include' });
  assert.deepStrictEqual({ ...made, headers: [...made.headers] }, { url: 'https://example.com/a%20b', method: 'POST', headers: [['x-a', '1']], body: { a: 1 } });
  assert.equal(made.credentials, 'include');
  const simple = new RequestSync(new URL('https://example.com'));
  assert.deepStrictEqual([simple.method, simple.body, simple.credentials, simple.json(), simple.text()], ['GET', null, 'same-origin', null, '']);
  for (const source of [made, made.toRequest(), { ...made }]) {
    const body = source instanceof Request ? { body: made.body } : {};
    const copy = new RequestSync(source, { ...body, method: 'PUT' });
    assert.deepStrictEqual([copy.url, copy.method, copy.headers.get('x-a'), copy.body], [made.url, 'PUT', '1', made.body]);
  }
  assert.throws(() => new RequestSync(made.toRequest()), /read it first/);
  assert.throws(() => new RequestSync('relative'), TypeError);
  const sent = made.toRequest();
  assert.deepStrictEqual([sent.credentials, await sent.text()], ['include', '{"a":1}']);
});

test('a body is read as JSON, text and bytes, whatever it is', () => {
  for (const [body, json, text] of [
    [null, null, ''], ['{"a":1}', { a: 1 }, '{"a":1}'], [bytes('[2]').buffer, [2], '[2]'], [bytes('x[3]').subarray(1), [3], '[3]'], [{ b: 'é' }, { b: 'é' }, '{"b":"é"}'],
  ]) {
    const response = new ResponseSync(body);
    assert.deepStrictEqual([response.json(), response.text(), [...new Uint8Array(response.arrayBuffer())]], [json, text, [...bytes(text)]]);
    assert.equal(response.blob().size, bytes(text).length);
  }
  const { buffer } = bytes('x');
  assert.equal(new ResponseSync(buffer).arrayBuffer(), buffer);
  assert.throws(() => new ResponseSync('x').formData(), { message: 'FormData not supported in ResponseSync - use json() or text() instead' });
  assert.throws(() => new RequestSync('a:b').formData(), /in RequestSync/);
});

test('a copy has headers of its own and the same body', () => {
  for (const message of [new ResponseSync({ a: 1 }, { status: 201, statusText: 'Made', headers: { 'X-A': '1' } }), new RequestSync('https://a.b/', { body: {}, credentials: 'omit' })]) {
    const copy = message.clone();
    copy.headers.set('X-A', '2');
    assert.notEqual(message.headers.get('X-A'), '2');
    assert.equal(copy.body, message.body);
    assert.deepStrictEqual([copy.constructor, copy.status, copy.ok, copy.url, copy.credentials], [message.constructor, message.status, message.ok, message.url, message.credentials]);
  }
});

test('a response is made of one of fetch, by its type', async () => {
  const made = (body, type) => ResponseSync.fromResponse(new Response(body, { status: 203, statusText: 'So', headers: { 'Content-Type': type } }));
  const json = await made('{"a":1}', 'application/json; charset=utf-8');
  assert.deepStrictEqual([json.status, json.statusText, json.ok, json.body], [203, 'So', true, { a: 1 }]);
  assert.equal((await made('x', 'text/plain')).body, 'x');
  assert.equal((await made('x', 'application/javascript')).body, 'x');
  assert.ok((await made('x', 'image/png')).body instanceof ArrayBuffer);
  assert.equal((await ResponseSync.fromResponse(new Response(null, { status: 204 }))).body, null);
  const used = new Response('x');
  await used.text();
  assert.equal((await ResponseSync.fromResponse(used)).body, null);
  assert.throws(() => new ResponseSync('x', { status: 99 }), RangeError);
  assert.equal(await json.toResponse().text(), '{"a":1}');
});

test('what travels is what is declared', () => {
  for (const back of [(v) => decode(encode(v)), (v) => readValue(JSON.parse(JSON.stringify(writeValue(v))))]) {
    const request = back(new RequestSync('https://a.b/', { method: 'POST', body: 'x', credentials: 'include', headers: { 'X-A': '1' } }));
    assert.ok(request instanceof RequestSync && request.headers instanceof Headers);
    assert.deepStrictEqual([Object.keys(request), request.credentials, request.text(), request.clone().text()], [['url', 'method', 'headers', 'body'], 'same-origin', 'x', 'x']);
    const response = back(new ResponseSync({ a: 1 }, { status: 404 }));
    assert.deepStrictEqual([Object.keys(response), response.json(), response.ok], [['status', 'statusText', 'headers', 'body'], { a: 1 }, false]);
  }
});
