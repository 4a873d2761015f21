// Facts that are stated in two places must agree.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const all = (text, pattern) => [...text.matchAll(pattern)].map((m) => m[1]);

test('lmz.d.ts declares what lmz.js exports', () => {
  const exported = all(read('lmz.js'), /^export \{ (.*) \}/gm).flatMap((names) => names.split(', '));
  const declared = all(read('lmz.d.ts'), /^export (?:function|class|const) (\w+)/gm);
  assert.deepStrictEqual(exported.sort(), [...new Set(declared)].sort());
});

test('border.js handles the events that border.go tells', () => {
  const told = all(read('../border.go'), /^\tevent\w+ += "(\w+)"/gm);
  const js = read('border.js');
  assert.ok(told.length >= 8);
  for (const event of told) assert.ok(js.includes(`'${event}'`), event);
});

test('border.go knows the operations that JavaScript asks for', () => {
  const known = [...all(read('../border.go'), /case "(\w+)":/g), 'new'];
  const asked = ['border.js', 'client.js'].flatMap((name) => all(read(name), /\.(?:ask|#?tell|#enter)\('(\w+)'/g));
  assert.deepStrictEqual([...new Set(asked)].sort(), known.sort());
});
