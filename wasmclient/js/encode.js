// JavaScript values to CBOR.

import { nameOf, ownMembers, withCode } from './errors.js';
import { instead, isError, isPlain, kindOf, nameOfClass } from './kinds.js';
import {
  ARRAY, BYTES, MAP, NEGINT, TAG, TEXT, UINT, arrayTags, maxNesting, tagBigNegative, tagBigPositive,
  tagDateEpoch, tagDateText, tagMap, tagObject, tagReference, tagRegExp, tagSet, tagShared, tagURL,
} from './tags.js';
import { Continuation, OPS, RequestSync, ResponseSync, Result, checkChain } from './values.js';
import { Walk, halfPair } from './walk.js';

const utf8 = new TextEncoder();

const getter = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name).get;
const sizeOfMap = getter(Map.prototype, 'size'), sizeOfSet = getter(Set.prototype, 'size');
const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const arrayName = getter(typedArray, Symbol.toStringTag), arrayValues = typedArray.values; // for subclasses and other realms too

/**
 * Encodes a value. Throws a TypeError that names the path to a value that cannot be sent,
 * and a TooLargeError if the encoding takes more than limit bytes.
 */
export function encode(value, limit) {
  return twice(limit, (encoder) => encoder.value(value));
}

/** Encodes the operations of a continuation: a text names a method, an array holds its arguments. */
export function encodeChain(ops, limit) {
  return twice(limit, (encoder) => encoder.chain(ops));
}

/**
 * Encodes what a method threw. This never fails: members that cannot be sent are omitted,
 * as in the original, and an error that is too large, or whose text cannot be sent, is
 * replaced by an error that says so.
 */
export function encodeError(thrown, limit) {
  let why;
  try {
    const error = isError(thrown) ? thrown : new Error(String(thrown));
    try {
      return encode(error, limit);
    } catch (refused) {
      why = refused;
    }
    return encode(sendable(error, limit), limit);
  } catch (refused) {
    return encode(new TypeError(`the error cannot be sent: ${(why ?? refused).message}`));
  }
}

function sendable(error, limit) {
  const copy = new Error(String(error.message));
  copy.name = nameOf(error);
  for (const key of ['cause', ...ownMembers(error)]) {
    try {
      const value = error[key];
      encode(value, limit);
      if (value !== undefined) copy[key] = value;
    } catch {
      // omitted
    }
  }
  return copy;
}

// The first pass finds objects that are reachable in two ways. If there are any, a second
// pass writes references to them.
function twice(limit = Infinity, write) {
  const first = new Encoder(new Map(), false, limit);
  const bytes = first.document(write);
  return first.shared.size === 0 ? bytes : new Encoder(first.shared, true, limit).document(write);
}

class Encoder extends Walk {
  #data = new Uint8Array(256);
  #view = new DataView(this.#data.buffer);
  #size = 0;
  #depth = 0;
  #met = new Set();
  #known; // second pass: shared is complete
  #marks = 0;
  #limit; // of bytes

  constructor(shared, known, limit) {
    super();
    this.shared = shared; // object to its number, or -1 before it is written
    this.#known = known;
    this.#limit = limit;
  }

  document(write) {
    this.run(write);
    this.#check(0);
    return this.#data.slice(0, this.#size);
  }

  /** Refuses a value that takes at least n more bytes, before walking it. */
  #check(n) {
    if (n <= this.#limit - this.#size) return;
    const error = this.fault(Error, `too large: it takes more than ${this.#limit} bytes`);
    error.name = 'TooLargeError';
    this.stop(withCode(error, 'gateway')); // nothing was sent
  }

  #room(n) {
    if (this.#size + n <= this.#data.length) return;
    this.#check(n);
    const data = new Uint8Array(Math.max(this.#data.length * 2, this.#size + n));
    data.set(this.#data);
    this.#data = data;
    this.#view = new DataView(data.buffer);
  }

  #byte(b) {
    this.#room(1);
    this.#data[this.#size++] = b;
  }

  #head(major, n) {
    this.#room(9);
    const first = major << 5;
    if (n < 24) {
      this.#data[this.#size++] = first | n;
    } else if (n < 0x100) {
      this.#data[this.#size++] = first | 24;
      this.#data[this.#size++] = n;
    } else if (n < 0x10000) {
      this.#data[this.#size] = first | 25;
      this.#view.setUint16(this.#size + 1, n);
      this.#size += 3;
    } else if (n < 0x100000000) {
      this.#data[this.#size] = first | 26;
      this.#view.setUint32(this.#size + 1, n);
      this.#size += 5;
    } else {
      this.#data[this.#size] = first | 27;
      this.#view.setBigUint64(this.#size + 1, BigInt(n));
      this.#size += 9;
    }
  }

  #raw(bytes) {
    this.#room(bytes.length);
    this.#data.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  text(s) {
    this.#check(s.length);
    const bytes = utf8.encode(s);
    if (bytes.length !== s.length && s.search(halfPair) >= 0) this.refuse('the text holds half of a surrogate pair, which is no character');
    this.#head(TEXT, bytes.length);
    this.#raw(bytes);
  }

  #octets(bytes) {
    this.#head(BYTES, bytes.length);
    this.#raw(bytes);
  }

  #begin(major, n) {
    if (this.#depth++ === maxNesting) this.refuse(`nested deeper than ${maxNesting}`);
    this.#head(major, n);
  }

  #end() {
    this.#depth--;
  }

  #tagged(tag, write) {
    this.#begin(TAG, tag);
    write();
    this.#end();
  }

  /** Tag 27: a type name and its members. */
  #named(name, write) {
    this.#tagged(tagObject, () => {
      this.#begin(ARRAY, 2);
      this.text(name);
      write();
      this.#end();
    });
  }

  /** Writes an object with these members; get returns the value of one. */
  #members(keys, get) {
    this.#check(2 * keys.length);
    this.#begin(MAP, keys.length);
    for (const key of keys) {
      this.within(key, () => { this.text(key); this.value(get(key)); });
    }
    this.#end();
  }

  /** Writes an object with these members under a type name. */
  #typed(name, members) {
    this.#named(name, () => this.#members(Object.keys(members), (key) => members[key]));
  }

  value(v) {
    switch (typeof v) {
      case 'undefined': return this.#byte(0xf7);
      case 'boolean': return this.#byte(v ? 0xf5 : 0xf4);
      case 'string': return this.text(v);
      case 'number': return this.#number(v);
      case 'bigint': return this.#bigint(v);
      case 'symbol': return this.refuse('a symbol cannot be sent');
      case 'function':
        return v[OPS] ? this.#continuation(v[OPS]) : this.refuse('a function cannot be sent');
    }
    if (v === null) return this.#byte(0xf6);
    if (v === Result) return this.#tagged(tagObject, () => { this.#head(ARRAY, 1); this.text('Result'); });
    if (v instanceof Continuation) return this.#continuation(v[OPS]);
    this.#object(v);
  }

  #number(n) {
    if (Number.isSafeInteger(n) && !Object.is(n, -0)) {
      if (n >= 0) this.#head(UINT, n);
      else this.#head(NEGINT, -1 - n);
      return;
    }
    this.#room(9);
    const single = Math.fround(n);
    const half = Object.is(single, n) || n !== n ? toHalf(n) : undefined;
    if (half !== undefined) {
      this.#byte(0xf9);
      this.#view.setUint16(this.#size, half);
      this.#size += 2;
    } else if (single === n) {
      this.#byte(0xfa);
      this.#view.setFloat32(this.#size, n);
      this.#size += 4;
    } else {
      this.#byte(0xfb);
      this.#view.setFloat64(this.#size, n);
      this.#size += 8;
    }
  }

  #bigint(n) {
    if (this.#limit < Infinity && BigInt.asIntN(8 * this.#limit, n) !== n) this.#check(this.#limit);
    const hex = n === 0n || n === -1n ? '' : (n < 0n ? -1n - n : n).toString(16);
    const bytes = new Uint8Array(Math.ceil(hex.length / 2));
    for (let i = bytes.length, end = hex.length; i-- > 0; end -= 2) {
      bytes[i] = parseInt(hex.slice(Math.max(end - 2, 0), end), 16);
    }
    this.#tagged(n < 0n ? tagBigNegative : tagBigPositive, () => this.#octets(bytes));
  }

  #date(ms) {
    if (ms !== ms) this.refuse('an invalid Date cannot be sent');
    const date = new Date(ms), year = date.getUTCFullYear();
    if (year >= 0 && year <= 9999) {
      this.#tagged(tagDateText, () => this.text(date.toISOString().replace(/\.?0*Z$/, 'Z')));
    } else {
      this.#tagged(tagDateEpoch, () => this.#number(ms / 1000));
    }
  }

  #regexp(r) {
    this.#tagged(tagRegExp, () => {
      this.#begin(ARRAY, 2);
      this.text(r.source);
      this.text(r.flags);
      this.#end();
    });
  }

  #continuation(ops) {
    this.#named('Continuation', () => this.chain(ops));
  }

  chain(ops) {
    checkChain(ops);
    this.#begin(ARRAY, ops.length);
    for (let i = 0; i < ops.length; i += 2) {
      this.text(ops[i]);
      this.within(ops[i], () => this.#list(ops[i + 1]));
    }
    this.#end();
  }

  #list(values) {
    const n = values.length; // a getter may change it
    this.#check(n);
    this.#begin(ARRAY, n);
    for (let i = 0; i < n; i++) {
      this.within(i, () => {
        const v = values[i];
        if (v === undefined && !(i in values)) this.refuse('a hole in an array cannot be sent: put undefined there');
        this.value(v);
      });
    }
    this.#end();
  }

  /** Writes a value with an identity: its second occurrence becomes a reference. */
  #object(o) {
    if (!this.#known) {
      if (this.#met.has(o)) {
        this.shared.set(o, -1);
        return this.#byte(0xf6);
      }
      this.#met.add(o);
      return this.#content(o);
    }
    const number = this.shared.get(o);
    if (number === undefined) return this.#content(o);
    if (number >= 0) return this.#tagged(tagReference, () => this.#head(UINT, number));
    this.shared.set(o, this.#marks++);
    this.#tagged(tagShared, () => this.#content(o));
  }

  #content(o) {
    if (o instanceof RequestSync) return this.#typed('Request', o);
    if (o instanceof ResponseSync) return this.#typed('Response', o);
    const kind = kindOf(o);
    switch (kind) {
      case 'Object': return this.#plain(o);
      case 'Error': return this.#named('Error', () => this.#failure(o));
      case 'View': return this.#elements(o);
      case undefined: return this.#foreign(o);
      case 'Array':
        this.#list(o);
        return this.#known || this.#bare(o, kind, o.length);
    }
    this.#bare(o, kind, kind === 'String' ? String.prototype.valueOf.call(o).length : 0);
    this.#native(o, kind);
  }

  /** Writes a value of a platform class, whose contents are not properties. */
  #native(o, kind) {
    switch (kind) {
      case 'Map': return this.#tagged(tagMap, () => this.#map(o));
      case 'Set':
        this.#check(sizeOfSet.call(o));
        return this.#tagged(tagSet, () => this.#list([...Set.prototype.values.call(o)]));
      case 'Date': return this.#date(Date.prototype.getTime.call(o));
      case 'URL': return this.#tagged(tagURL, () => this.text(o.href));
      case 'RegExp': return this.#regexp(o);
      case 'ArrayBuffer':
        if (o.resizable) this.refuse('a resizable ArrayBuffer cannot be sent: send it.slice()');
        return this.#typed(kind, { bytes: new Uint8Array(o) });
      case 'Headers': return this.#typed(kind, { entries: [...Headers.prototype.entries.call(o)] });
    }
    this.#typed(kind, { value: globalThis[kind].prototype.valueOf.call(o) });
  }

  /** Refuses properties beyond the first n, which are an object's contents. */
  #bare(o, kind, n) {
    const keys = Object.keys(o);
    if (keys.length > n) this.refuse(`the property ${JSON.stringify(keys.at(-1))} of ${a(kind)} cannot be sent`);
  }

  #foreign(o) {
    const name = nameOfClass(o);
    this.refuse(`${a(name)} cannot be sent: ${instead(name)}`);
  }

  /** Writes an object that consists of its own properties. */
  #plain(o) {
    const keys = Object.keys(o);
    if (keys.length === 0 && (!isPlain(o) || Reflect.ownKeys(o).length > 0)) this.#foreign(o);
    for (const key of Object.getOwnPropertySymbols(o)) {
      if (Object.prototype.propertyIsEnumerable.call(o, key)) this.refuse(`a property whose key is a symbol cannot be sent: ${String(key)}`);
    }
    this.#members(keys, (key) => o[key]);
  }

  #failure(e) {
    const keys = ['name', 'message', ...(Object.hasOwn(e, 'cause') ? ['cause'] : []), ...ownMembers(e)];
    this.#members(keys, (key) => (key === 'name' ? nameOf(e) : key === 'message' ? String(e.message) : e[key]));
  }

  #map(m) {
    const n = sizeOfMap.call(m);
    this.#check(2 * n);
    this.#begin(MAP, n);
    let i = 0;
    for (const [key, value] of [...Map.prototype.entries.call(m)]) { // a getter may change it
      this.within(i++, () => {
        this.within('key', () => this.value(key));
        this.value(value);
      });
    }
    this.#end();
  }

  /** Writes a typed array or a DataView. */
  #elements(view) {
    const name = arrayName.call(view);
    if (name === undefined) {
      const { byteOffset, byteLength } = view;
      return this.#typed('DataView', { buffer: new Uint8Array(view.buffer), byteOffset, byteLength });
    }
    arrayValues.call(view); // throws if its buffer is detached
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const tag = arrayTags.get(name);
    if (tag !== undefined) return this.#tagged(tag, () => this.#octets(bytes));
    if (name !== 'Uint8Array') this.refuse(`${a(name)} cannot be sent: send another array of numbers`);
    this.#octets(bytes);
  }
}

/** A class name with its article. */
const a = (name) => `${/^[AEIO]/i.test(name) ? 'an' : 'a'} ${name}`;

/** Returns n as a 16-bit float, or undefined if that would change it. */
function toHalf(n) {
  if (n !== n) return 0x7e00;
  const sign = n < 0 || Object.is(n, -0) ? 0x8000 : 0;
  const size = Math.abs(n);
  if (size === 0) return sign;
  if (size === Infinity) return sign | 0x7c00;
  if (size > 65504) return undefined;
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  const fraction = size / 2 ** (exponent - 10); // 1024 to 2047, or less when subnormal
  if (!Number.isInteger(fraction) || fraction > 2047) return undefined;
  return fraction < 1024 ? sign | fraction : sign | ((exponent + 15) << 10) | (fraction - 1024);
}
