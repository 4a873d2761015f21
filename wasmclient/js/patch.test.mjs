import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mergeDiff, mergePatch } from './patch.js';

test('merge patches of RFC 7396, appendix A', () => {
  for (const [target, patch, want] of [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }], [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }], [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }], [{ a: ['b'] }, { a: 'c' }, { a: 'c' }], [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }], [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [['a', 'b'], ['c', 'd'], ['c', 'd']], [{ a: 'b' }, ['c'], ['c']], [{ a: 'foo' }, null, null], [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }], [[1, 2], { a: 'b', c: null }, { a: 'b' }], [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ]) {
    const before = structuredClone(target);
    assert.deepStrictEqual(mergePatch(target, patch), want);
    assert.deepStrictEqual(target, before);
  }
  const target = { a: { b: 1 } };
  assert.deepStrictEqual(mergePatch(target, undefined), target);
  assert.notEqual(mergePatch(target, undefined).a, target.a);
});

test('a difference leads from one document to the other', () => {
  for (const [before, after, patch] of [
    [{ a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { c: 2, d: 4 } }, { b: { d: 4 } }], [{ a: 1 }, { b: 1 }, { a: null, b: 1 }],
    [{ a: [1, 2] }, { a: [1, 3] }, { a: [1, 3] }], [{ a: { b: 1 } }, { a: 5 }, { a: 5 }], [{ a: 5 }, { a: { b: 1 } }, { a: { b: 1 } }],
    [5, { a: 1 }, { a: 1 }], [{ a: 1 }, [], []],
  ]) {
    assert.deepStrictEqual(mergeDiff(before, after), patch);
    assert.deepStrictEqual(mergePatch(before, patch), after);
  }
  for (const same of [1, null, 'x', [1, { b: null }], { a: [{}, []], b: { c: null } }]) assert.equal(mergeDiff(same, structuredClone(same)), undefined);
  assert.deepStrictEqual(mergeDiff({ a: 1 }, { a: null }), { a: null });
});

test('a member called __proto__ is a member', () => {
  const patch = JSON.parse('{"__proto__": {"polluted": 1}}');
  assert.equal(JSON.stringify(mergePatch({}, patch)), '{"__proto__":{"polluted":1}}');
  assert.equal(JSON.stringify(mergeDiff({}, patch)), '{"__proto__":{"polluted":1}}');
  assert.equal({}.polluted, undefined);
});
