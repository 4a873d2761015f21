import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ctn, execute, fill, mesh, meshFn, operations, reply } from './continuation.js';
import { Refusal } from './errors.js';
import { Continuation, Result } from './values.js';

const run = (target, ops) => execute(target, ops, (f) => f(), () => {});
const refusedAs = (code) => (error) => error instanceof Refusal && error.lmzCode === code;

class Node {
  plain() { return 'not exposed'; }
  get secret() { throw new Error('a getter ran'); }
  add = meshFn((a, b) => a + b);
  echo = meshFn((value) => value);
  later = meshFn(async () => ({ more: meshFn(() => 'more'), hidden: () => 'hidden' }));
  guarded = meshFn(() => 'in', (node, { args }) => { if (args[0] !== 'key') throw new Error('no key'); });
  waits = meshFn(() => 'in', async () => { throw new Error('later: no'); });
}
Node.prototype.decorated = mesh()(function decorated() { return this instanceof Node; });

test('an exposed method runs, and nothing else does', async () => {
  const node = new Node();
  assert.equal(await run(node, ['add', [1, 2]]), 3);
  assert.equal(await run(node, ['decorated', []]), true);
  for (const name of ['plain', 'secret', 'constructor', '__proto__', 'toString', 'hasOwnProperty', 'missing', '']) {
    await assert.rejects(run(node, [name, []]), refusedAs('absent'), name);
  }
  await assert.rejects(run(node, ['add']), /not called; properties cannot be read/);
  await assert.rejects(run(node, []), /name a method/);
});

test('a chain goes on with what a method returned, where that is exposed', async () => {
  const node = new Node();
  assert.equal(await run(node, ['later', [], 'more', []]), 'more');
  await assert.rejects(run(node, ['later', [], 'hidden', []]), (e) => !(e instanceof Refusal) && /hidden/.test(e.message));
  await assert.rejects(run(node, ['echo', ['text'], 'toUpperCase', []]), /no method "toUpperCase"/);
});

test('guards are awaited and deny by throwing', async () => {
  const node = new Node();
  assert.equal(await run(node, ['guarded', ['key']]), 'in');
  await assert.rejects(run(node, ['guarded', ['wrong']]), refusedAs('guard'));
  await assert.rejects(run(node, ['waits', []]), refusedAs('guard'));
});

test('nested work is evaluated once, before the guard sees it', async () => {
  const node = new Node();
  const nested = (ops) => new Continuation(ops);
  assert.equal(await run(node, ['add', [nested(['add', [1, 10]]), 100]]), 111);
  assert.deepStrictEqual(await run(node, ['echo', [[nested(['add', [1, 2]]), [nested(['add', [3, 4]])]]]]), [3, [7]]);
  assert.equal(await run(node, ['guarded', [nested(['echo', ['key']])]]), 'in');
  await assert.rejects(run(node, ['echo', [nested(['plain', []])]]), refusedAs('absent'));
});

test('nested work is evaluated wherever it stands, and what is one value stays one', async () => {
  const node = new Node();
  let n = 0;
  node.next = meshFn(() => ++n);
  const next = new Continuation(['next', []]);
  const error = Object.assign(new Error('e'), { n: next });
  const got = await run(node, ['echo', [{ a: { b: [next] }, map: new Map([['k', next]]), set: new Set([next]), error }]]);
  assert.deepStrictEqual([got.a, got.map, got.set, got.error.n], [{ b: [1] }, new Map([['k', 2]]), new Set([3]), 4]);

  n = 0;
  const list = [next];
  const cyclic = { list, again: list, date: new Date(0) };
  cyclic.me = cyclic;
  const back = await run(node, ['echo', [cyclic]]);
  assert.equal(n, 1);
  assert.equal(back.list, back.again);
  assert.equal(back.me, back);
  assert.equal(back.date, cyclic.date);
  await assert.rejects(run(node, ['echo', [{ a: new Continuation(['plain', []]) }]]), refusedAs('absent'));
});

test('a reply gets the outcome wherever Result stands', () => {
  assert.deepStrictEqual(fill(['f', [{ a: [Result], m: new Map([[1, Result]]) }, 2]], 'x'), ['f', [{ a: ['x'], m: new Map([[1, 'x']]) }, 2]]);
  assert.deepStrictEqual(fill(['f', [Result, [Result]]], 'x'), ['f', ['x', ['x']]]);
  assert.deepStrictEqual(fill(['f', [[1]]], 'x'), ['f', [[1], 'x']]);
});

test('the work that one call asks for is bounded', async () => {
  const node = new Node();
  let bomb = new Continuation(['add', [1, 1]]);
  for (let i = 0; i < 30; i++) bomb = new Continuation(['add', [bomb, bomb]]);
  await assert.rejects(run(node, ['echo', [bomb]]), /more than 1000 method calls/);
  const round = [];
  round.push(new Continuation(['echo', round]));
  await assert.rejects(run(node, ['echo', [round]]), /too deep|more than 1000/);
});

test('continuations are immutable, checked, and no promises', async () => {
  const base = ctn().admin();
  assert.deepStrictEqual(operations(base.one()), ['admin', [], 'one', []]);
  assert.deepStrictEqual(operations(base.two(2)), ['admin', [], 'two', [2]]);
  assert.equal((await base) === undefined, false);
  assert.throws(() => operations(ctn().admin), /not called/);
  assert.throws(() => operations({}), /must be created with this.ctn/);
  assert.throws(() => operations(ctn().f(...Array(101))), /too many arguments/);
  let long = ctn();
  for (let i = 0; i < 26; i++) long = long.step();
  assert.throws(() => operations(long), /too deep: 52 > 50/);
});

test('a reply gets the outcome in place of $result, or after its arguments', async () => {
  assert.deepStrictEqual(fill(['f', [1, Result]], 'x'), ['f', [1, 'x']]);
  assert.deepStrictEqual(fill(['f', [1]], 'x'), ['f', [1, 'x']]);
  let got;
  await reply({ onDone(...args) { got = args; } }, fill(operations(ctn().onDone('doc', ctn().$result)), 7));
  assert.deepStrictEqual(got, ['doc', 7]);
});
