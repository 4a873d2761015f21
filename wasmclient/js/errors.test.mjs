import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decode, encode } from './cbor.js';
import { withCode } from './errors.js';
import { readValue } from './json-read.js';
import { writeValue } from './json-write.js';

const ways = { cbor: (v) => decode(encode(v)), json: (v) => readValue(JSON.parse(JSON.stringify(writeValue(v)))) };

for (const [way, back] of Object.entries(ways)) {
  test(`an error class of the global object is restored: ${way}`, (t) => {
    let made = 0;
    globalThis.QuotaError = class QuotaError extends RangeError {
      constructor(message) {
        super(message);
        this.name = 'QuotaError';
        made++;
      }
    };
    t.after(() => { delete globalThis.QuotaError; });
    const error = back(Object.assign(new QuotaError('full'), { limit: 5 }));
    assert.ok(error instanceof QuotaError && error.message === 'full' && error.limit === 5 && error.name === 'QuotaError');
    assert.equal(made, 1);
  });

  test(`no sender chooses another class of the global object: ${way}`, (t) => {
    Object.defineProperty(globalThis, 'TrapError', { get() { assert.fail('a getter ran'); }, configurable: true });
    t.after(() => { delete globalThis.TrapError; });
    for (const name of ['Date', 'Math', 'DOMException', 'Object', 'globalThis', 'TrapError', '__proto__', 'nothing']) {
      const error = back(Object.assign(new Error('m'), { name }));
      assert.deepStrictEqual([Object.getPrototypeOf(error), error.name, error.message], [Error.prototype, name, 'm'], name);
    }
  });
}

test('who failed is lmzCode, and an error has no code that it was not given', () => {
  const error = withCode(new Error('m'), 'callee');
  assert.deepStrictEqual([error.lmzCode, 'code' in error, Object.keys(error)], ['callee', false, []]);
  assert.equal(withCode(Object.assign(new Error('m'), { code: 7 }), 'guard').code, 7);
});
