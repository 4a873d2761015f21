import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as chains from './chains.js';
import { ctn, getMeshGuard, isMeshCallable, mesh, meshFn, MESH_CALLABLE, MESH_GUARD, operations } from './continuation.js';
import { Result } from './values.js';

const get = (key) => ({ type: 'get', key });
const apply = (...args) => ({ type: 'apply', args });
const nested = (...chain) => ({ __isNestedOperation: true, __operationChain: chain });

test('a continuation becomes a chain of the original and comes back', () => {
  const work = ctn().admin().add(1, ctn().echo({ deep: [ctn().next()] }), Result);
  const chain = chains.getOperationChain(work);
  const deep = nested(get('next'), apply());
  assert.deepStrictEqual(chain, [
    get('admin'), apply(), get('add'), apply(1, nested(get('echo'), apply({ deep: [deep] })), nested(get('$result'))),
  ]);
  assert.deepStrictEqual(chains.getOperationChain(chains.continuationFromChain(JSON.parse(JSON.stringify(chain)))), chain);
  assert.deepStrictEqual(operations(chains.continuationFromChain([get('a'), apply(1)])), ['a', [1]]);
  assert.equal(chains.getOperationChain(() => {}), undefined);
  assert.equal(chains.getOperationChain(null), undefined);
  assert.deepStrictEqual(chains.getOperationChain(chains.newContinuation().x()), [get('x'), apply()]);
});

test('an argument without work in it stays the same object', () => {
  const argument = { a: [1] };
  assert.equal(chains.toOperations([get('a'), apply(argument)])[1][0], argument);
});

test('a chain that is none, or too long, is refused', () => {
  const invalid = (chain, text, limits) => assert.throws(() => chains.validateOperationChain(chain, limits), (e) => e.message === text, text);
  invalid('x', 'Invalid operation chain: operations must be an array');
  invalid(Array(51).fill(get('x')), 'Operation chain too deep: 51 > 50');
  invalid([get('a'), apply(1, 2)], 'Too many arguments: 2 > 1', { maxArgs: 1 });
  invalid([{ type: 'set', key: 'x' }], 'Invalid operation chain: an operation is of an unknown type');
  invalid([null], 'Invalid operation chain: an operation is of an unknown type');
  assert.throws(() => chains.toOperations([get('a'), apply({ __isNestedOperation: true })]), /missing __operationChain/);
});

class Node {
  count = 7;
  secret() { return 'own'; }
  add = meshFn((a, b) => a + b);
  guarded = meshFn(() => 'in', () => { throw new RangeError('no'); });
  later = meshFn(async () => ({ self: 'x', more() { return this.self; } }));
}

test('executeOperationChain runs what is exposed, and own chains without that', async () => {
  const node = new Node(), run = chains.executeOperationChain;
  assert.equal(await run([get('add'), apply(1, nested(get('add'), apply(1, 10)))], node), 12);
  await assert.rejects(run([get('secret'), apply()], node), (e) => e.constructor === Error && /secret/.test(e.message));
  await assert.rejects(run([get('guarded'), apply()], node), RangeError);
  await assert.rejects(run([get('count')], node), /properties cannot be read/);
  const own = { requireMeshDecorator: false };
  assert.equal(await run([get('secret'), apply()], node, own), 'own');
  assert.equal(await run([get('count')], node, own), 7);
  assert.equal(await run([get('later'), apply(), get('more'), apply()], node, own), 'x');
  assert.equal(await run([get('add'), apply(1, nested(get('count')))], node, own), 8);
  await assert.rejects(run([get('none'), apply()], node, own), TypeError);
  await assert.rejects(run([get('add'), apply(1, 2)], node, { ...own, maxArgs: 1 }), /Too many arguments/);
});

test('an outcome takes the place of nested work, or comes last', () => {
  const fill = chains.replaceNestedOperationMarkers;
  const outcome = { it: 1 };
  assert.deepStrictEqual(fill([get('h'), apply(1, nested(get('$result')), 2)], outcome), [get('h'), apply(1, outcome, 2)]);
  assert.deepStrictEqual(fill([get('h'), apply(nested(get('any'), apply()))], outcome), [get('h'), apply(outcome)]);
  assert.deepStrictEqual(fill([get('h'), apply(1)], outcome), [get('h'), apply(1, outcome)]);
  assert.deepStrictEqual(fill([get('h')], outcome), [get('h')]);
  assert.equal(chains.isNestedOperationMarker(nested(get('x'))), true);
  for (const v of [null, undefined, 1, {}, () => {}]) assert.equal(chains.isNestedOperationMarker(v), false);
});

test('what is exposed can be asked of a function', () => {
  const guard = () => {};
  const fn = meshFn(() => 1, guard), decorated = mesh()(function f() {});
  assert.deepStrictEqual([isMeshCallable(fn), getMeshGuard(fn), fn[MESH_CALLABLE], fn[MESH_GUARD]], [true, guard, true, guard]);
  assert.deepStrictEqual([isMeshCallable(decorated), getMeshGuard(decorated)], [true, undefined]);
  for (const v of [() => {}, null, undefined, {}]) assert.deepStrictEqual([isMeshCallable(v), getMeshGuard(v)], [false, undefined]);
});
