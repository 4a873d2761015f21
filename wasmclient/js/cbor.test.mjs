import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decode, encode, encodeChain } from './cbor.js';
import { ctn, operations } from './continuation.js';
import { registerError } from './errors.js';
import { OPS, Result } from './values.js';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const unhex = (text) => new Uint8Array(Buffer.from(text, 'hex'));

// The bytes are those in the Go codec's own table (internal/value).
const vectors = [
  ['null', null, 'f6'],
  ['undefined', undefined, 'f7'],
  ['true', true, 'f5'],
  ['0', 0, '00'],
  ['23', 23, '17'],
  ['24', 24, '1818'],
  ['1000', 1000, '1903e8'],
  ['1000000', 1000000, '1a000f4240'],
  ['1000000000000', 1000000000000, '1b000000e8d4a51000'],
  ['-1', -1, '20'],
  ['-1000', -1000, '3903e7'],
  ['largest safe integer', Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
  ['smallest safe integer', Number.MIN_SAFE_INTEGER, '3b001ffffffffffffe'],
  ['2^64', 2n ** 64n, 'c249010000000000000000'],
  ['-2^64-1', -(2n ** 64n) - 1n, 'c349010000000000000000'],
  ['small big integer', 5n, 'c24105'],
  ['big zero', 0n, 'c240'],
  ['-1n', -1n, 'c340'],
  ['-0', -0, 'f98000'],
  ['1.1', 1.1, 'fb3ff199999999999a'],
  ['1.5', 1.5, 'f93e00'],
  ['65504.5', 65504.5, 'fa477fe080'],
  ['3.4028234663852886e+38', 3.4028234663852886e38, 'fa7f7fffff'],
  ['1e300', 1e300, 'fb7e37e43c8800759c'],
  ['smallest half', 5.960464477539063e-8, 'f90001'],
  ['smallest normal half', 0.00006103515625, 'f90400'],
  ['infinity', Infinity, 'f97c00'],
  ['-infinity', -Infinity, 'f9fc00'],
  ['NaN', NaN, 'f97e00'],
  ['text beyond ASCII', '\u00fc\u6c34\u{10151}', '69c3bce6b0b4f0908591'],
  ['bytes', new Uint8Array([1, 2, 3, 4]), '4401020304'],
  ['nested arrays', [1, [2, 3]], '8201820203'],
  ['object', { a: 1, b: [2] }, 'a261610161628102'],
  ['date', new Date('2013-03-21T20:04:00Z'), 'c074323031332d30332d32315432303a30343a30305a'],
  ['date with milliseconds', new Date('2025-01-30T12:00:00.120Z'), 'c077323032352d30312d33305431323a30303a30302e31325a'],
  ['date after the year 9999', new Date(253402300800000), 'c11b0000003afff44180'],
  ['URL', new URL('http://www.example.com/'), 'd82077687474703a2f2f7777772e6578616d706c652e636f6d2f'],
  ['Int8Array', new Int8Array([-1, 2]), 'd84842ff02'],
  ['Int16Array', new Int16Array([-100, 256]), 'd84d449cff0001'],
  ['Uint16Array', new Uint16Array([2, 4, 8]), 'd84546020004000800'],
  ['BigInt64Array', new BigInt64Array([-1n]), 'd84f48ffffffffffffffff'],
  ['Float32Array', new Float32Array([1.5]), 'd855440000c03f'],
  ['Float64Array', new Float64Array([1.5]), 'd85648000000000000f83f'],
  ['Uint8ClampedArray', new Uint8ClampedArray([0, 255]), 'd8444200ff'],
  ['ArrayBuffer', new Uint8Array([1, 2]).buffer, 'd81b826b4172726179427566666572a1656279746573420102'],
  ['Set', new Set([1, 'a']), 'd9010282016161'],
  ['Map', new Map([['k', 1], [{}, null]]), 'd90103a2616b01a0f6'],
  ['RegExp', /a\/b/gi, 'd9524a8264615c2f62626769'],
];

for (const [name, value, bytes] of vectors) {
  test(`${name} has its bytes and comes back`, () => {
    assert.equal(hex(encode(value)), bytes);
    assert.deepStrictEqual(decode(unhex(bytes)), value);
  });
}

test('what other libraries write is read', () => {
  for (const [bytes, want] of [
    ['c11a514b67b0', new Date('2013-03-21T20:04:00Z')],
    ['c1fb41d452d9ec200000', new Date('2013-03-21T20:04:00.500Z')],
    ['d84144000100ff', new Uint16Array([1, 255])],
    ['d840420102', new Uint8Array([1, 2])],
    ['9900021800fa3f800000', [0, 1]],
    ['a10102', new Map([[1, 2]])],
    ['1bffffffffffffffff', 2n ** 64n - 1n],
    ['3bffffffffffffffff', -(2n ** 64n)],
  ]) {
    assert.deepStrictEqual(decode(unhex(bytes)), want, bytes);
  }
});

test('cycles and shared values keep their identity', () => {
  const shared = { n: 1 };
  const cycle = { a: shared, b: [shared], map: new Map(), set: new Set() };
  cycle.self = cycle;
  cycle.map.set('me', cycle);
  cycle.set.add(cycle.set);
  const back = decode(encode(cycle));
  assert.equal(back.self, back);
  assert.equal(back.a, back.b[0]);
  assert.equal(back.map.get('me'), back);
  assert.ok(back.set.has(back.set));
  assert.equal(hex(encode([shared, shared])), '82d81ca1616e01d81d00');
});

test('an error comes back as its class, with its members and cause', () => {
  class AdminAccessError extends Error {}
  registerError(AdminAccessError);
  const error = new AdminAccessError('admins only', { cause: new TypeError('why') });
  error.field = 'email';
  const back = decode(encode(error));
  assert.ok(back instanceof AdminAccessError && back instanceof Error);
  assert.equal(back.name, 'AdminAccessError');
  assert.equal(back.message, 'admins only');
  assert.equal(back.field, 'email');
  assert.ok(back.cause instanceof TypeError);
  assert.equal(back.cause.message, 'why');
  assert.equal(decode(encode(new RangeError('r'))).constructor, RangeError);
  const cyclic = new Error('round');
  cyclic.cause = cyclic;
  const round = decode(encode(cyclic));
  assert.equal(round.cause, round);
});

test('boxed primitives, headers and views come back', () => {
  assert.deepStrictEqual(decode(encode(new Number(1.5))), new Number(1.5));
  assert.deepStrictEqual(decode(encode(new String('s'))), new String('s'));
  assert.deepStrictEqual([...decode(encode(new Headers({ a: '1' })))], [['a', '1']]);
  const view = decode(encode(new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 2)));
  assert.equal(view.getUint8(0), 2);
  assert.equal(view.byteLength, 2);
});

test('a value that cannot be sent is refused with the path to it', () => {
  assert.throws(() => encode({ args: [1, { handler() {} }] }), { name: 'TypeError', message: 'args[1].handler: a function cannot be sent' });
  assert.throws(() => encode(Symbol('s')), /a symbol cannot be sent/);
  assert.throws(() => encode(new Date(NaN)), /an invalid Date/);
  assert.throws(() => encode(Promise.resolve()), /a Promise cannot be sent/);
  let deep = [];
  for (let i = 0; i < 300; i++) deep = [deep];
  assert.throws(() => encode(deep), /nested deeper than 192/);
});

test('broken data is an error and never a crash or a large allocation', () => {
  for (const bytes of ['', '18', '9b7fffffffffffffff', '5b7fffffffffffffff', 'bf', 'f8ff', '6180', 'd81d00', 'd81bf6', 'd9010201', 'c0f6', '0000',
    '81'.repeat(400) + '00', 'a2616101616102', 'd81b816141', 'd84d4101', 'fc']) {
    assert.throws(() => decode(unhex(bytes)), Error, bytes);
  }
  const valid = encode(new Map([[{ a: [1.5, new Date(0)] }, new Set([/x/g, new URL('http://a/')])], ['e', new Error('x')]]));
  for (let i = 0; i < valid.length; i++) {
    for (let flip = 1; flip < 256; flip <<= 1) {
      const broken = valid.slice();
      broken[i] ^= flip;
      try {
        decode(broken);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }
    assert.throws(() => decode(valid.slice(0, i)), Error);
  }
});

test('a key called __proto__ is a plain property', () => {
  const back = decode(unhex('a1695f5f70726f746f5f5fa161780a'));
  assert.equal(Object.getPrototypeOf(back), Object.prototype);
  assert.deepStrictEqual(Object.keys(back), ['__proto__']);
});

test('a continuation is encoded as names and arguments', () => {
  const work = ctn().admin().add(ctn().get(1), ctn().$result);
  // ["admin", [], "add", [27(["Continuation", ["get", [1]]]), 27(["Result"])]]
  const inner = `d81b826c436f6e74696e756174696f6e82636765748101d81b8166526573756c74`;
  assert.equal(hex(encodeChain(operations(work))), `846561646d696e806361646482${inner}`);
  const back = decode(encodeChain(operations(work)));
  assert.deepStrictEqual(back[3][0][OPS], ['get', [1]]);
  assert.equal(back[3][1], Result);
});
