// A sent value arrives unchanged, on both kinds of links, or is refused with the path to it:
// nothing is changed silently.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createContext, runInContext } from 'node:vm';

import { decode, encode, encodeChain, encodeError } from './cbor.js';
import { holds, rebuild } from './containers.js';
import { execute, meshFn } from './continuation.js';
import { Refusal, ownMembers, withCode } from './errors.js';
import { readChain, readValue } from './json-read.js';
import { stringify, writeValue } from './json-write.js';
import { checkCall } from './options.js';

const overCBOR = (v) => decode(encode(v));
const overJSON = (v) => decode(encode(readValue(JSON.parse(stringify(writeValue(overCBOR(v)))))));
const links = [overCBOR, overJSON];
const refused = (v, message, limit) => assert.throws(() => encode({ args: [v] }, limit), (e) => {
  assert.match(`${e.name}: ${e.message}`, message);
  assert.match(e.message, /^args\[0\]/);
  return true;
});
const realm = createContext({});
const foreign = (code) => runInContext(`(${code})`, realm);

test('all members of an error are kept', () => {
  for (const over of links) {
    const all = over(new AggregateError([new TypeError('t'), 7], 'both'));
    assert.ok(all instanceof AggregateError);
    assert.equal(all.message, 'both');
    assert.deepStrictEqual(all.errors.map(String), ['TypeError: t', '7']);
    assert.ok(!Object.keys(all).includes('errors'));
    assert.deepStrictEqual(over(all).errors.map(String), ['TypeError: t', '7']);

    // As in engines that have SuppressedError.
    const two = Object.assign(new Error('while cleaning up'), { name: 'SuppressedError' });
    Object.defineProperty(two, 'error', { value: new RangeError('r'), enumerable: false });
    Object.defineProperty(two, 'suppressed', { value: 'first', enumerable: false });
    const back = over(two);
    assert.deepStrictEqual([back.name, back.error.name, back.suppressed], ['SuppressedError', 'RangeError', 'first']);

    const round = new Error('round');
    round.cause = new AggregateError([round], 'in');
    const again = over(round);
    assert.equal(again.cause.errors[0], again);
  }
});

test('who failed, and where the engine saw it, are no members', () => {
  const error = withCode(Object.defineProperty(new Error('e'), 'line', { value: 7, enumerable: false }), 'guard');
  assert.deepStrictEqual(ownMembers(error), []);
  assert.deepStrictEqual(ownMembers(withCode(Object.assign(new Error('e'), { code: 'E1' }), 'guard')), ['code']);
});

test('values of another realm are what they are', () => {
  const kinds = ['new Set([1])', 'new Map([[1, new Set([2])]])', 'new Date(0)', '/a/g', 'new Uint8Array([1, 2]).buffer', 'new Uint8Array([1, 2])',
    'new Int16Array([-1])', 'new BigInt64Array([-1n])', 'new DataView(new ArrayBuffer(2))', 'new Number(1)', 'new String("s")', 'new Boolean(false)', 'Object(1n)', '({ a: [1] })', '[1, 2]',
    'Object.assign(Object.create(null), { a: 1 })', 'new (class P { a = 1 })'];
  for (const kind of kinds) assert.equal(Buffer.from(encode(foreign(kind))).toString('hex'), Buffer.from(encode(eval(kind))).toString('hex'), kind);
  const error = overCBOR(foreign('Object.assign(new TypeError("t", { cause: new Error("c") }), { a: 1 })'));
  assert.ok(error instanceof TypeError && error.cause instanceof Error && error.a === 1);
  assert.deepStrictEqual(overCBOR(foreign('new AggregateError([1], "m")')).errors, [1]);
  for (const kind of ['Promise.resolve()', 'new WeakMap()', '[].values()', '(function* () {})()', 'Object(Symbol())', 'new SharedArrayBuffer(1)', 'new Intl.NumberFormat()']) {
    refused(foreign(kind), /cannot be sent/);
  }
  assert.equal(decode(encodeError(foreign('new RangeError("r")'))).message, 'r');
});

test('classes that call themselves something else are what they extend', () => {
  class MyMap extends Map { get [Symbol.toStringTag]() { return 'MyMap'; } get size() { return 99; } *[Symbol.iterator]() {} }
  assert.deepStrictEqual(overCBOR(new MyMap([[1, 2]])), new Map([[1, 2]]));
  class MyDate extends Date { getTime() { return 7; } }
  assert.deepStrictEqual(overCBOR(new MyDate(5)), new Date(5));
  assert.deepStrictEqual(overCBOR(Buffer.from('ab')), new Uint8Array([97, 98]));
});

test('what hides something is refused, with what to do instead', () => {
  class Secret { #key = 1; y = 2; key() { return this.#key; } }
  class Derived extends Secret { z = 1; }
  class Hidden { constructor() { Object.defineProperty(this, 'x', { value: 1 }); } }
  for (const [value, message] of [
    [new Blob(['x']), /a Blob cannot be sent: send its bytes/],
    [new File(['x'], 'n'), /a File cannot be sent: send its bytes/],
    [new FormData(), /a FormData cannot be sent: send an array/],
    [new URLSearchParams('a=1'), /a URLSearchParams cannot be sent: send its text/],
    [new ReadableStream(), /a ReadableStream cannot be sent: read it/],
    [new CompressionStream('gzip'), /a CompressionStream cannot be sent: read it/],
    [[1].values(), /an Array Iterator cannot be sent: send an array/],
    [(function* () {})(), /a Generator cannot be sent: send an array/],
    [Object(Symbol('s')), /a Symbol cannot be sent: send its description/],
    [Promise.resolve(), /a Promise cannot be sent: await it/],
    [new Request('http://a/'), /a Request cannot be sent: use RequestSync/],
    [new Response(), /a Response cannot be sent: use ResponseSync/],
    [new Event('e'), /an Event cannot be sent: send its data/],
    [new AbortController().signal, /an AbortSignal cannot be sent/],
    [new WeakSet(), /a WeakSet cannot be sent/],
    [new WeakRef({}), /a WeakRef cannot be sent/],
    [new Intl.NumberFormat(), /an Intl.NumberFormat cannot be sent/],
    [new Secret(), /a Secret cannot be sent/],
    [new Derived(), /a Derived cannot be sent/],
    [new Hidden(), /a Hidden cannot be sent/],
    [Math, /a Math cannot be sent/],
    [new Proxy(new Map(), {}), /a Map cannot be sent/],
    [new (class extends EventTarget { x = 1; })(), /cannot be sent/],
    [new SharedArrayBuffer(1), /a SharedArrayBuffer cannot be sent: send a copy/],
    [() => {}, /a function cannot be sent/],
  ]) refused(value, message);
  class Static { static #count = 0; x = '#fff;'; total() { return Static.#count; } }
  assert.deepStrictEqual(overCBOR(new Static()), { x: '#fff;' });
  assert.deepStrictEqual(overCBOR(new Proxy({ a: [1] }, {})), { a: [1] });
});

test('nothing of the platform becomes an empty object', () => {
  const known = /^(Object|Proxy|Array|Number|Boolean|String|Date|RegExp|\w*Error|\w*Exception|ArrayBuffer|\w+Array|DataView|Map|Set|Buffer|URL|Headers)$/;
  const open = /^(BroadcastChannel|MessageChannel|WebSocket|EventSource|Worker)$/; // they would keep the test running
  const types = [globalThis, Intl, WebAssembly].flatMap((of) => Object.getOwnPropertyNames(of).map((name) => [name, of]));
  let made = 0;
  for (const [name, of] of types.filter(([key]) => /^[A-Z]/.test(key) && !known.test(key) && !open.test(key))) {
    for (const args of [[], ['x'], [{}], [[]], [() => {}], [new ArrayBuffer(8)]]) {
      let value;
      try {
        value = new of[name](...args);
      } catch {
        continue;
      }
      made++;
      assert.throws(() => encode(value), /cannot be sent/, name);
      break;
    }
  }
  assert.ok(made > 20, `${made} made`);
});

test('properties that cannot be sent are refused', () => {
  refused({ [Symbol('k')]: 1, a: 2 }, /a symbol cannot be sent: Symbol\(k\)/);
  refused({ a: { get b() { throw new Error('not now'); } } }, /TypeError: args\[0\]\.a\.b: not now/);
  refused('x=1'.match(/x/), /the property "groups" of an Array cannot be sent/);
  for (const o of [new Map(), new Set(), new Date(0), /x/, new Uint8Array(1).buffer, new URL('http://a/'), new Number(1), new String('s')]) {
    refused(Object.assign(o, { extra: 1 }), /the property "extra" of a/);
  }
  refused([1, , 3], /args\[0\]\[1\]: a hole in an array/);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  refused(proxy, /revoked/);
  refused(new Map([[{ f() {} }, 1]]), /args\[0\]\[0\]\.key\.f: a function/);
  refused(new Date(NaN), /an invalid Date/);
  assert.deepStrictEqual(overCBOR(JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}')), JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}'));
});

test('buffers that were taken away or can grow are refused', () => {
  const gone = new Uint8Array(4), view = new DataView(gone.buffer);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  for (const o of [gone, gone.buffer, view]) refused(o, /detached/);
  refused(new ArrayBuffer(1, { maxByteLength: 2 }), /a resizable ArrayBuffer cannot be sent/);
  const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(7);
  assert.deepStrictEqual(overCBOR(shared), new Uint8Array([7, 7]));
  assert.equal(overCBOR(new DataView(shared.buffer, 1)).getUint8(0), 7);
});

test('half of a surrogate pair is refused wherever it stands', () => {
  for (const half of ['\ud800', 'a\udfff', '\ud83d\ud83d\ude00']) {
    refused(half, /args\[0\]: the text holds half of a surrogate pair/);
    refused({ [half]: 1 }, /half of a surrogate pair/);
    refused(new Error(half), /args\[0\]\.message: the text holds half/);
    refused(new RegExp(half), /half of a surrogate pair/);
    assert.throws(() => encodeChain([half, []]), /half of a surrogate pair/);
    assert.throws(() => encodeChain(readChain({ json: [{ type: 'get', key: 'm' }, { type: 'apply', args: [{ a: half }] }] })), /^TypeError: m\[0\]\.a: the text holds half/);
    const error = decode(encodeError(new Error(half)));
    assert.match(error.message, /the error cannot be sent: message: the text holds half/);
  }
  for (const over of links) assert.equal(over('\u{1f600}\ufffd\uffff'), '\u{1f600}\ufffd\uffff');
});

test('limits are looked at before a value is walked', () => {
  const limit = 1 << 20;
  const sparse = [];
  sparse[40e6] = 1;
  let reads = 0;
  const counted = (n) => new Proxy(new Array(n).fill(0), { get(target, key) { reads++; return target[key]; } });
  refused(sparse, /args\[0\]\[0\]: a hole/);
  const many = Array.from({ length: limit }, (_, i) => i);
  for (const large of ['x'.repeat(limit), counted(limit), new Set(many), new Map(many.map((i) => [i, 0])), new Uint8Array(limit), 1n << 30_000_000n,
    new Array(limit - 10).fill(1000), Array(100).fill('x'.repeat(20_000))]) {
    refused(large, /TooLargeError: args\[0\].*too large: it takes more than 1048576 bytes/, limit);
  }
  assert.ok(reads < 10, `${reads} reads`);
  assert.equal(encode('x'.repeat(limit - 5), limit).length, limit);
  assert.throws(() => encode('x'.repeat(limit - 4), limit), { name: 'TooLargeError', lmzCode: 'gateway' });
  assert.match(decode(encodeError(new Error('x'.repeat(2 * limit)), limit)).message, /the error cannot be sent: message: too large/);
  let deep = {};
  for (let i = 0; i < 300; i++) deep = { ['k'.repeat(50)]: deep };
  assert.throws(() => encode(deep), (e) => e.message.length < 300 && /\.\.\.: nested deeper/.test(e.message));
});

test('an answer with an error always can be sent', () => {
  const error = Object.assign(new RangeError('bad'), { field: 'email', handler() {}, at: Symbol('s'), cause: new Blob([]) });
  const back = decode(encodeError(error));
  assert.deepStrictEqual([back.name, back.message, back.field, 'handler' in back, 'cause' in back], ['RangeError', 'bad', 'email', false, false]);
  for (const thrown of [undefined, null, 'text', Object.create(null), { get message() { throw 1; } }, new Proxy(new Error(), { get() { throw new Error('no'); } })]) {
    assert.ok(decode(encodeError(thrown)) instanceof Error);
  }
});

test('a guard may return a promise of another realm', async () => {
  const node = { open: meshFn(() => 'in', () => foreign('Promise.reject(new Error("no"))')) };
  await assert.rejects(execute(node, ['open', []], (f) => f(), () => {}), (e) => e instanceof Refusal && e.lmzCode === 'guard');
});

test('containers of another realm, and all members of errors, are searched', () => {
  const mark = Symbol('mark'), is = (v) => v === mark;
  const box = foreign('(m) => [{ a: new Map([[1, new Set([m])]]) }]')(mark);
  assert.ok(holds(box, is));
  assert.ok(rebuild(box, is, () => 7)[0].a.get(1).has(7));
  const error = new AggregateError([1, mark], 'm', { cause: [mark] });
  assert.ok(holds(error, is));
  rebuild(error, is, () => 7);
  assert.deepStrictEqual([error.errors, error.cause, Object.keys(error)], [[1, 7], [7], []]);
});

test('JSON keeps what it can hold, and refuses the rest with the path', () => {
  const value = { $type: 'date', $ref: 1, $$a: [-0, { $b: -0 }], f: new Float64Array([-0, 1]), n: new Number(-0), iso: '"\\udead"', big: -(2n ** 70n), m: new Map([[{ $x: 1 }, -1]]) };
  assert.deepStrictEqual(overJSON(value), value);
  assert.ok(Object.is(overJSON(value).$$a[0], -0));
  assert.deepStrictEqual(Object.entries(overJSON(Object.assign(new Error('e'), { $type: 1, $ref: 2, $$x: 3 }))), [['$type', 1], ['$ref', 2], ['$$x', 3]]);
  for (const [v, message] of [
    [new BigInt64Array(1), /^a\[0\]: a BigInt64Array cannot be sent as JSON/],
    [new Map([[1, new BigUint64Array(1)]]), /^a\[0\]\[0\]: a BigUint64Array/],
    [new Set([new Float32Array([1, NaN])]), /^a\[0\]\[0\]\[1\]: NaN in a Float32Array/],
    [new Error('e', { cause: new Float64Array([-Infinity]) }), /^a\[0\]\.cause\[0\]: -Infinity in a Float64Array/],
    [{ __isNestedOperation: true }, /^a\[0\]\.__isNestedOperation: an object with this member/],
  ]) assert.throws(() => writeValue(overCBOR({ a: [v] })), { name: 'TypeError', message });
});

test('a Set from elsewhere whose elements are one here is refused', () => {
  assert.throws(() => decode(new Uint8Array([0xd9, 0x01, 0x02, 0x82, 0x01, 0xf9, 0x3c, 0x00])), /an element of a Set occurs twice/); // 1 and 1.0
});

test('what cannot be read from JSON is refused with the path', () => {
  const at = (json, meta = {}) => () => readValue({ json, meta });
  for (const [json, message] of [
    [{ a: [{ $type: 'date', iso: 'soon' }] }, /^a\[0\]: "soon" is no date/],
    [{ $type: 'map', entries: [[1, { $type: 'bigint', value: 'x' }]] }, /^\[0\]: value: this cannot be read/],
    [{ $type: 'error', message: 'm', cause: [{ $type: 'regexp', source: '(', flags: '' }] }, /^cause\[0\]: .*regular expression/],
    [[{ $type: 'arraybuffer', subtype: 'Float64Array', data: [1, null] }], /^\[0\]: data\[1\]: expected a number/],
    [[{ $type: 'map', entries: [[1, 2], [1, 3]] }], /^\[0\]\[1\]: the key occurs twice/],
    [[{ $type: 'set', values: ['a', 'b', 'a'] }], /^\[0\]\[2\]: it occurs twice/],
  ]) assert.throws(at(json), { name: 'TypeError', message });
  assert.ok(Object.is(readValue(JSON.parse('{"json":-0}')), -0));
});

test('an address and options that Go would take for something else are refused', () => {
  checkCall('B', '', 0, undefined);
  checkCall('B', 'i\u{1f600}', Infinity, { a: 1 });
  checkCall('B', 'i', 0.5, new (class State { a = 1; })());
  for (const [args, message] of [
    [[undefined, '', 0], /^binding: text is expected/],
    [['B', 5, 0], /^instance: text is expected/],
    [['B', 'a\ud800', 0], /^instance: text without half of a surrogate pair/],
    [['B', 'i', '5'], /^timeoutMs: a number/],
    [['B', 'i', NaN], /^timeoutMs: a number/],
    [['B', 'i', -1], /^timeoutMs: a number/],
    [['B', 'i', 0, new Map([['a', 1]])], /^state: a plain object/],
    [['B', 'i', 0, 'text'], /^state: a plain object/],
    [['B', 'i', 0, [1]], /^state: a plain object/],
  ]) assert.throws(() => checkCall(...args), { name: 'TypeError', message });
});
