// Values that hold others: arrays, plain objects, Maps, Sets and errors.

import { ownMembers } from './errors.js';
import { isPlain, kindOf } from './kinds.js';

/** Returns Array, Map, Set, Error or Object, or undefined for a value that holds nothing. */
function container(v) {
  const kind = kindOf(v);
  if (kind === 'Object') return isPlain(v) ? kind : undefined;
  return ['Array', 'Map', 'Set', 'Error'].includes(kind) ? kind : undefined;
}

function parts(v) {
  switch (container(v)) {
    case 'Array': case 'Set': return v;
    case 'Map': return [...v].flat();
    case undefined: return [];
  }
  return keysOf(v).map((key) => v[key]);
}

/** Returns the keys under which a plain object or an error holds values. */
function keysOf(v) {
  return isPlain(v) ? Object.keys(v) : [...(Object.hasOwn(v, 'cause') ? ['cause'] : []), ...ownMembers(v)];
}

/** Reports whether wanted is true of v or of a value in it. */
export function holds(v, wanted, seen = new Set()) {
  if (wanted(v)) return true;
  if (typeof v !== 'object' || v === null || seen.has(v)) return false;
  seen.add(v);
  for (const part of parts(v)) if (holds(part, wanted, seen)) return true;
  return false;
}

/** Copies v, replacing each wanted x in it by put(x). Shared containers stay shared. */
export function rebuild(v, wanted, put, copies = new Map()) {
  if (wanted(v)) return put(v);
  if (typeof v !== 'object' || v === null) return v;
  if (copies.has(v)) return copies.get(v);
  const copy = (x) => rebuild(x, wanted, put, copies);
  const begin = (made) => {
    copies.set(v, made); // before its parts, which may refer to it
    return made;
  };
  const kind = container(v);
  if (kind === 'Array') {
    const array = begin(new Array(v.length));
    v.forEach((x, i) => { array[i] = copy(x); });
    return array;
  }
  if (kind === 'Map') {
    const map = begin(new Map());
    for (const [key, value] of v) map.set(copy(key), copy(value));
    return map;
  }
  if (kind === 'Set') {
    const set = begin(new Set());
    for (const x of v) set.add(copy(x));
    return set;
  }
  if (!kind) return v;
  const object = begin(kind === 'Error' ? v : {}); // an error belongs to this call only
  for (const key of keysOf(v)) {
    const value = copy(v[key]);
    if (object === v) v[key] = value; // enumerable or not, as before
    else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}
