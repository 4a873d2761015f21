import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Buffer, moveCaret } from './buffer.js';
import { places } from './highlight.js';

const change = (version, content, by = 'bob') => ({ version, content, by });

test('an arriving text replaces what is saved, and is held over what is not', () => {
  const b = new Buffer();
  assert.equal(b.arrive(change(1, 'one')), true);
  assert.equal(b.text, 'one');
  assert.equal(b.dirty, false);
  b.text = 'one more';
  assert.equal(b.arrive(change(2, 'two')), false);
  assert.equal(b.text, 'one more');
  assert.equal(b.held.content, 'two');
  b.take();
  assert.equal(b.text, 'two');
  assert.equal(b.dirty, false);
});

test('an older text changes nothing', () => {
  const b = new Buffer();
  b.arrive(change(2, 'two'));
  assert.equal(b.arrive(change(1, 'one')), false);
  assert.equal(b.text, 'two');
});

test('one save is under way at a time, and what failed is saved again', () => {
  const b = new Buffer();
  b.text = 'a';
  assert.equal(b.beginSave(), 'a');
  b.text = 'ab';
  assert.equal(b.beginSave(), null);
  b.saveFailed();
  assert.equal(b.beginSave(), 'ab');
  b.saved(1);
  assert.equal(b.dirty, false);
  assert.equal(b.beginSave(), null);
});

test('what arrives during a save is held, and taking it saves it', () => {
  const b = new Buffer();
  b.text = 'mine';
  b.beginSave();
  b.arrive(change(1, 'theirs'));
  b.saved(2);
  assert.equal(b.held.content, 'theirs');
  b.take();
  assert.equal(b.dirty, true);
  assert.equal(b.beginSave(), 'theirs');
});

test('our own text that comes back is not a change', () => {
  const b = new Buffer();
  b.text = 'same';
  b.beginSave();
  assert.equal(b.arrive(change(1, 'same')), false);
  assert.equal(b.held, null);
});

test('the caret stays where it was in the text', () => {
  assert.equal(moveCaret(2, 'ab|cd', 'ab|cdef'), 2);
  assert.equal(moveCaret(5, 'hello', 'oh hello'), 8);
  assert.equal(moveCaret(8, 'one two three', 'one 2 three'), 6);
  assert.equal(moveCaret(5, 'one two three', 'one 2 three'), 4);
  assert.equal(moveCaret(0, '', 'text'), 0);
  assert.equal(moveCaret(4, 'text', ''), 0);
});

test('misspelled words are found as whole words', () => {
  const found = places("teh other teh, Teh don't tehx", [{ word: 'teh', suggestions: ['the'] }]);
  assert.deepStrictEqual(found.map((p) => p.start), [0, 10]);
  assert.deepStrictEqual(places('text', []), []);
});
