import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode, encodeChain } from './cbor.js';
import { ctn, operations } from './continuation.js';
import { fromJSON, toJSON } from './json-message.js';
import { readValue } from './json-read.js';
import { writeValue } from './json-write.js';
import { Continuation, OPS, Result } from './values.js';

// The Go test TestTheOriginalAndOthersAgreeOn500Values compares values with the
// original's own encoder. The tests here cover messages and hostile input.

const none = new Uint8Array(0);
const message = (m) => encode(Object.values({
  type: '', callId: '', binding: '', instance: '', context: none, chain: none, failed: '', payload: none, flag: false, wrong: '', ...m,
}));
const names = ['type', 'callId', 'binding', 'instance', 'context', 'chain', 'failed', 'payload', 'flag', 'wrong'];
const parsed = (text) => Object.fromEntries(decode(fromJSON(text)).map((v, i) => [names[i], v]));
const call = (continuation) => encodeChain(operations(continuation));
const nested = { __isNestedOperation: true, __operationChain: [{ type: 'get', key: 'add' }, { type: 'apply', args: [1, 10] }] };

test('a call is the original\'s message', () => {
  const text = toJSON(message({ type: 'call', callId: 'c1', binding: 'A', instance: '1', context: encode({}), chain: call(ctn().add(ctn().add(1, 10), new Set([2n]))) }));
  assert.deepStrictEqual(JSON.parse(text), {
    type: 'call', callId: 'c1', binding: 'A', instance: '1',
    chain: { json: [{ type: 'get', key: 'add' }, { type: 'apply', args: [nested, { $type: 'set', values: [{ $type: 'bigint', value: '2' }] }] }], meta: {} },
    callContext: { callChain: [], state: { json: {}, meta: {} } },
  });
  assert.equal('instance' in JSON.parse(toJSON(message({ type: 'call', callId: 'w', binding: 'W', chain: call(ctn().m()) }))), false);
});

test('an incoming call is read with its work and context', () => {
  const m = parsed('{"type":"incoming_call","callId":"x","chain":{"json":[{"type":"get","key":"hi"},{"type":"apply","args":[' + JSON.stringify(nested) + ']}],"meta":{}},' +
    '"callContext":{"callChain":[{"type":"LumenizeDO","bindingName":"D","instanceName":"d1"},{"type":"LumenizeWorker","bindingName":"W"}],' +
    '"originAuth":{"sub":"u","claims":{"isAdmin":true}},"state":{"json":{"s":{"$type":"date","iso":"1970-01-01T00:00:00.000Z"}},"meta":{}}}}');
  assert.equal(m.wrong, '');
  const [name, [work]] = decode(m.chain);
  assert.equal(name, 'hi');
  assert.ok(work instanceof Continuation);
  assert.deepStrictEqual(work[OPS], ['add', [1, 10]]);
  assert.deepStrictEqual(decode(m.context), {
    chain: [['LumenizeDO', 'D', 'd1'], ['LumenizeWorker', 'W']], auth: { sub: 'u', claims: { isAdmin: true } }, clientState: { s: new Date(0) },
  });
});

test('answers carry who failed, and every one settles its call', () => {
  const failed = JSON.parse(toJSON(message({ type: 'incoming_call_response', callId: '3', failed: 'guard', payload: encode(Object.assign(new RangeError('bad'), { $x: 7 })) })));
  assert.deepStrictEqual(failed, {
    type: 'incoming_call_response', callId: '3', success: false,
    error: { json: { $type: 'error', name: 'RangeError', message: 'bad', $$x: 7, lmzCode: 'guard' }, meta: {} },
  });
  const back = parsed(JSON.stringify({ ...failed, type: 'call_response' }));
  assert.equal(back.failed, 'guard');
  const error = decode(back.payload);
  assert.ok(error instanceof RangeError && error.$x === 7 && !('lmzCode' in error));

  const outcome = (rest) => {
    const m = parsed(JSON.stringify({ type: 'call_response', callId: '1', ...rest }));
    return [m.failed, m.failed ? decode(m.payload).message : decode(m.payload)];
  };
  assert.deepStrictEqual(outcome({ success: true, result: { json: { $type: 'undefined' }, meta: {} } }), ['', undefined]);
  assert.deepStrictEqual(outcome({ success: false, error: { json: 'text' } }), ['callee', 'text']);
  assert.deepStrictEqual(outcome({ success: false, error: { json: { $type: 'error', name: 'E', message: 'm' } } }), ['callee', 'm']);
  assert.equal(outcome({ success: true })[0], 'unknown');
  assert.equal(outcome({ success: true, result: null })[0], 'unknown');
  assert.equal(outcome({ success: 'yes', result: { json: 1 } })[0], 'unknown');
  assert.equal(outcome({ success: true, result: { json: { $type: 'date', iso: 'soon' } } })[0], 'unknown');
});

test('an answer that JSON cannot hold becomes an error, a call is refused', () => {
  const answer = JSON.parse(toJSON(message({ type: 'incoming_call_response', callId: '1', payload: encode([new BigInt64Array(1)]) })));
  assert.equal(answer.success, false);
  assert.match(answer.error.json.message, /a BigInt64Array cannot be sent as JSON/);
  assert.match(JSON.parse(toJSON(message({ type: 'incoming_call_response', callId: '1', payload: encode('x'.repeat(1 << 20)) }))).error.json.message, /too large/);
  assert.throws(() => toJSON(message({ type: 'call', callId: '1', binding: 'B', chain: call(ctn().m(new Float32Array([NaN]))) })), /NaN in a Float32Array/);
  assert.throws(() => toJSON(message({ type: 'call', callId: '1', binding: 'B', chain: call(ctn().m({ __isNestedOperation: true })) })), /taken for a continuation/);
});

test('a call that cannot be read names its call', () => {
  for (const chain of [undefined, null, 5, { json: 5 }, { json: [{ type: 'get', key: 'x' }] }, { json: [{ type: 'later' }, {}] }, { json: [] }]) {
    const m = parsed(JSON.stringify({ type: 'incoming_call', callId: '7', chain }));
    assert.equal(m.callId, '7');
    assert.notEqual(m.wrong, '', JSON.stringify(chain));
  }
  for (const text of ['null', '5', '[]', '"call"', '{}', '{"type":5}']) assert.equal(parsed(text).type, '', text);
  assert.throws(() => fromJSON('{'));
});

test('references make cycles, and nothing gets a prototype', () => {
  const cycle = readValue(JSON.parse('{"json":{"$ref":0},"meta":{"aliases":{"0":{"self":{"$ref":0},"list":{"$ref":1}},"1":[{"$ref":0},{"$ref":9}]}}}'));
  assert.equal(cycle.self, cycle);
  assert.equal(cycle.list[0], cycle);
  assert.equal(cycle.list[1], undefined);
  const v = readValue(JSON.parse('{"json":{"__proto__":{"x":1},"$$a":2,"$type":"later","$ref":"no"}}'));
  assert.deepStrictEqual(Object.entries(v), [['__proto__', { x: 1 }], ['$a', 2], ['$type', 'later'], ['$ref', 'no']]);
  assert.equal(v.x, undefined);
  const again = writeValue(v).json;
  assert.ok(Object.hasOwn(again, '__proto__') && again.$$a === 2 && again.$$type === 'later');
  assert.equal(readValue({ json: { __isNestedOperation: true, __operationChain: [{ type: 'get', key: '$result' }] } }), Result);
});

test('work that is referred to again and again is bounded', () => {
  const aliases = {};
  for (let i = 0; i < 40; i++) {
    const args = [{ $ref: i + 1 }, { $ref: i + 1 }];
    aliases[i] = { __isNestedOperation: true, __operationChain: [{ type: 'get', key: 'x' }, { type: 'apply', args }] };
  }
  assert.throws(() => readValue({ json: { $ref: 0 }, meta: { aliases } }), /too much work/);
});
