// JavaScript values to CBOR.

import { nameOf } from './errors.js';
import {
  ARRAY, BYTES, MAP, NEGINT, TAG, TEXT, UINT, arrayTags, maxNesting, tagBigNegative, tagBigPositive,
  tagDateEpoch, tagDateText, tagMap, tagObject, tagReference, tagRegExp, tagSet, tagShared, tagURL,
} from './tags.js';
import { Continuation, OPS, RequestSync, ResponseSync, Result, checkChain } from './values.js';

const utf8 = new TextEncoder();

/** Encodes a value. A value that cannot be sent is a TypeError that names the path to it. */
export function encode(value) {
  return twice((encoder) => encoder.value(value));
}

/** Encodes the operations of a continuation: a text names a method, an array holds its arguments. */
export function encodeChain(ops) {
  return twice((encoder) => encoder.chain(ops));
}

// What is reachable in two ways is found out by writing; then it is written again,
// with references.
function twice(write) {
  const first = new Encoder(new Map(), false);
  write(first);
  if (first.shared.size === 0) return first.bytes();
  const second = new Encoder(first.shared, true);
  write(second);
  return second.bytes();
}

class Encoder {
  #data = new Uint8Array(256);
  #view = new DataView(this.#data.buffer);
  #size = 0;
  #depth = 0;
  #path = [];
  #met = new Set();
  #known; // second pass: shared is complete
  #marks = 0;

  constructor(shared, known) {
    this.shared = shared; // object to its number, or -1 before it is written
    this.#known = known;
  }

  bytes() {
    return this.#data.slice(0, this.#size);
  }

  #room(n) {
    if (this.#size + n <= this.#data.length) return;
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
    const bytes = utf8.encode(s);
    this.#head(TEXT, bytes.length);
    this.#raw(bytes);
  }

  #octets(bytes) {
    this.#head(BYTES, bytes.length);
    this.#raw(bytes);
  }

  #begin(major, n) {
    if (this.#depth++ === maxNesting) this.#refuse(`nested deeper than ${maxNesting}`);
    this.#head(major, n);
  }

  #end() {
    this.#depth--;
  }

  #refuse(why) {
    const path = this.#path.map((p, i) => (typeof p === 'number' ? `[${p}]` : i > 0 ? `.${p}` : p)).join('');
    throw new TypeError(path === '' ? why : `${path}: ${why}`);
  }

  #within(step, write) {
    this.#path.push(step);
    write();
    this.#path.pop();
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

  #members(entries) {
    this.#begin(MAP, entries.length);
    for (const [key, value] of entries) {
      this.text(key);
      this.#within(key, () => this.value(value));
    }
    this.#end();
  }

  value(v) {
    switch (typeof v) {
      case 'undefined': return this.#byte(0xf7);
      case 'boolean': return this.#byte(v ? 0xf5 : 0xf4);
      case 'string': return this.text(v);
      case 'number': return this.#number(v);
      case 'bigint': return this.#bigint(v);
      case 'symbol': return this.#refuse('a symbol cannot be sent');
      case 'function':
        return v[OPS] ? this.#continuation(v[OPS]) : this.#refuse('a function cannot be sent');
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
    const hex = n === 0n || n === -1n ? '' : (n < 0n ? -1n - n : n).toString(16);
    const bytes = new Uint8Array(Math.ceil(hex.length / 2));
    for (let i = bytes.length, end = hex.length; i-- > 0; end -= 2) {
      bytes[i] = parseInt(hex.slice(Math.max(end - 2, 0), end), 16);
    }
    this.#tagged(n < 0n ? tagBigNegative : tagBigPositive, () => this.#octets(bytes));
  }

  #date(d) {
    const ms = d.getTime();
    if (ms !== ms) this.#refuse('an invalid Date cannot be sent');
    const year = d.getUTCFullYear();
    if (year >= 0 && year <= 9999) {
      this.#tagged(tagDateText, () => this.text(d.toISOString().replace(/\.?0*Z$/, 'Z')));
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
      this.#within(ops[i], () => this.#list(ops[i + 1]));
    }
    this.#end();
  }

  #list(values) {
    this.#begin(ARRAY, values.length);
    for (let i = 0; i < values.length; i++) this.#within(i, () => this.value(values[i]));
    this.#end();
  }

  /** Everything with an identity: what is met twice becomes a reference. */
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
    if (Array.isArray(o)) return this.#list(o);
    if (o instanceof Map) return this.#tagged(tagMap, () => this.#map(o));
    if (o instanceof Set) return this.#tagged(tagSet, () => this.#list([...o]));
    if (o instanceof Error) return this.#named('Error', () => this.#members(errorMembers(o)));
    if (o instanceof Date) return this.#date(o);
    if (o instanceof URL) return this.#tagged(tagURL, () => this.text(o.href));
    if (o instanceof RegExp) return this.#regexp(o);
    if (ArrayBuffer.isView(o)) return this.#array(o);
    if (o instanceof ArrayBuffer) return this.#named('ArrayBuffer', () => this.#members([['bytes', new Uint8Array(o)]]));
    for (const type of [Boolean, Number, String, BigInt]) {
      if (o instanceof type) return this.#named(type.name, () => this.#members([['value', o.valueOf()]]));
    }
    if (o instanceof RequestSync) return this.#named('Request', () => this.#members(Object.entries(o)));
    if (o instanceof ResponseSync) return this.#named('Response', () => this.#members(Object.entries(o)));
    if (o instanceof globalThis.Headers) return this.#named('Headers', () => this.#members([['entries', [...o]]]));
    for (const name of ['Request', 'Response', 'Promise', 'WeakMap', 'WeakSet', 'WeakRef']) {
      if (globalThis[name] && o instanceof globalThis[name]) this.#refuse(`a ${name} cannot be sent`);
    }
    this.#members(Object.entries(o));
  }

  #map(m) {
    this.#begin(MAP, m.size);
    let i = 0;
    for (const [key, value] of m) {
      this.#within(i++, () => { this.value(key); this.value(value); });
    }
    this.#end();
  }

  #array(a) {
    const bytes = new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
    const tag = arrayTags.get(a.constructor);
    if (tag !== undefined) return this.#tagged(tag, () => this.#octets(bytes));
    if (a instanceof DataView) {
      return this.#named('DataView', () => this.#members([
        ['buffer', new Uint8Array(a.buffer)], ['byteOffset', a.byteOffset], ['byteLength', a.byteLength],
      ]));
    }
    if (a instanceof Uint8Array) return this.#octets(bytes);
    this.#refuse(`a ${a.constructor.name} cannot be sent`);
  }
}

function errorMembers(e) {
  const members = [['name', nameOf(e)], ['message', String(e.message)]];
  if (Object.hasOwn(e, 'cause')) members.push(['cause', e.cause]);
  for (const [key, value] of Object.entries(e)) {
    if (key !== 'name' && key !== 'message' && key !== 'cause' && key !== 'stack') members.push([key, value]);
  }
  return members;
}

/** Returns n as a 16-bit float, or undefined if that does not keep it. */
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
