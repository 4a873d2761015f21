// CBOR to JavaScript values.

import { withName } from './errors.js';
import {
  ARRAY, BYTES, MAP, NEGINT, TAG, TEXT, UINT, arrayTypes, maxNesting, tagBigNegative, tagBigPositive,
  tagDateEpoch, tagDateText, tagMap, tagObject, tagReference, tagRegExp, tagSet, tagShared, tagURL,
} from './tags.js';
import { requestOf, responseOf } from './requests.js';
import { Continuation, Result } from './values.js';

const utf8Strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes one value. Throws an Error if the data is not a value of lmz. */
export function decode(bytes) {
  return new Decoder(bytes).document();
}

const unmarked = -1;
const pending = Symbol('pending');

class Decoder {
  #data;
  #view;
  #pos = 0;
  #depth = 0;
  #refs = [];

  constructor(bytes) {
    this.#data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength); // slice of a Node.js Buffer would not copy
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  document() {
    const value = this.#item(unmarked);
    if (this.#pos !== this.#data.length) this.#bad('there is more after the value');
    return value;
  }

  #bad(why) {
    throw new Error(`CBOR at byte ${this.#pos}: ${why}`);
  }

  #need(n) {
    if (n > this.#data.length - this.#pos) this.#bad('the data ends early');
  }

  /** Reads a head and returns its major type; #arg and #info hold the rest. */
  #head() {
    this.#need(1);
    const first = this.#data[this.#pos++];
    const info = (this.#info = first & 31);
    if (info < 24) {
      this.#arg = info;
    } else if (info > 27) {
      this.#bad('this length is not accepted');
    } else {
      const size = 1 << (info - 24);
      this.#need(size);
      this.#at = this.#pos;
      if (size === 1) this.#arg = this.#view.getUint8(this.#pos);
      else if (size === 2) this.#arg = this.#view.getUint16(this.#pos);
      else if (size === 4) this.#arg = this.#view.getUint32(this.#pos);
      else this.#arg = this.#large(this.#view.getBigUint64(this.#pos));
      this.#pos += size;
    }
    return first >> 5;
  }
  #arg = 0;
  #info = 0;
  #at = 0; // position of a float's bits

  #large(n) {
    return n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n;
  }

  #length(width) {
    if (typeof this.#arg === 'bigint' || this.#arg * width > this.#data.length - this.#pos) {
      this.#bad('more elements than bytes');
    }
    return this.#arg;
  }

  #chunk() {
    const n = this.#length(1);
    this.#pos += n;
    return this.#data.subarray(this.#pos - n, this.#pos);
  }

  #text() {
    if (this.#head() !== TEXT) this.#bad('a text was expected');
    return this.#string();
  }

  #string() {
    const bytes = this.#chunk();
    try {
      return utf8Strict.decode(bytes);
    } catch {
      this.#bad('text is not valid UTF-8');
    }
  }

  #item(mark) {
    if (++this.#depth > maxNesting + 1) this.#bad(`nested deeper than ${maxNesting}`);
    const value = this.#content(mark);
    this.#depth--;
    if (mark !== unmarked && this.#refs[mark] === pending) this.#refs[mark] = value;
    return value;
  }

  #content(mark) {
    switch (this.#head()) {
      case UINT: return this.#arg;
      case NEGINT: return this.#large2(this.#arg);
      case BYTES: return this.#chunk().slice();
      case TEXT: return this.#string();
      case ARRAY: return this.#list(this.#length(1), this.#register(mark, []));
      case MAP: return this.#members(this.#length(2), mark);
      case TAG: return this.#tag(this.#arg, mark);
      default: return this.#simple();
    }
  }

  #large2(n) {
    return typeof n === 'number' && n < Number.MAX_SAFE_INTEGER ? -1 - n : -1n - BigInt(n);
  }

  #simple() {
    switch (this.#info) {
      case 20: return false;
      case 21: return true;
      case 22: return null;
      case 23: return undefined;
      case 25: return fromHalf(this.#view.getUint16(this.#at));
      case 26: return this.#view.getFloat32(this.#at);
      case 27: return this.#view.getFloat64(this.#at);
    }
    this.#bad('unknown simple value');
  }

  #register(mark, value) {
    if (mark !== unmarked) this.#refs[mark] = value;
    return value;
  }

  #list(n, into) {
    for (let i = 0; i < n; i++) into.push(this.#item(unmarked));
    return into;
  }

  /** Reads an untagged map: an object, or a Map if its keys are not text. */
  #members(n, mark) {
    if (n > 0 && this.#data[this.#pos] >> 5 !== TEXT) return this.#map(n, this.#register(mark, new Map()));
    return this.#assign(n, this.#register(mark, {}));
  }

  #assign(n, into) {
    for (let i = 0; i < n; i++) {
      const key = this.#text();
      if (Object.hasOwn(into, key)) this.#bad('a key occurs twice');
      const value = this.#item(unmarked);
      Object.defineProperty(into, key, { value, writable: true, enumerable: true, configurable: true });
    }
    return into;
  }

  #map(n, into) {
    for (let i = 0; i < n; i++) {
      const key = this.#item(unmarked);
      if (into.has(key)) this.#bad('a key occurs twice');
      into.set(key, this.#item(unmarked));
    }
    return into;
  }

  #expect(major) {
    if (this.#head() !== major) this.#bad('a tag is around the wrong kind of value');
  }

  #tag(tag, mark) {
    switch (tag) {
      case tagDateText: return this.#date(new Date(this.#text()));
      case tagDateEpoch: return this.#date(new Date(Math.round(Number(this.#item(unmarked)) * 1000)));
      case tagBigPositive: return this.#bigint();
      case tagBigNegative: return -1n - this.#bigint();
      case tagObject: return this.#object(mark);
      case tagShared: return this.#item(this.#refs.push(pending) - 1);
      case tagReference: return this.#reference();
      case tagURL: return this.#url(this.#text());
      case tagSet: return this.#set(mark);
      case tagMap:
        this.#expect(MAP);
        return this.#map(this.#length(2), this.#register(mark, new Map()));
      case tagRegExp: {
        this.#expect(ARRAY);
        if (this.#arg !== 2) this.#bad('a RegExp has a source and flags');
        return new RegExp(this.#text(), this.#text());
      }
    }
    const type = arrayTypes.get(tag);
    if (!type) this.#bad(`unknown tag ${tag}`);
    return this.#array(type, tag);
  }

  #date(d) {
    if (Number.isNaN(d.getTime())) this.#bad('this date cannot be read');
    return d;
  }

  #bigint() {
    this.#expect(BYTES);
    const hex = Array.from(this.#chunk(), (b) => b.toString(16).padStart(2, '0')).join('');
    return BigInt(hex === '' ? 0 : `0x${hex}`);
  }

  #url(text) {
    try {
      return new URL(text);
    } catch {
      return text; // Go's URLs may be relative
    }
  }

  #set(mark) {
    this.#expect(ARRAY);
    const set = this.#register(mark, new Set());
    for (let n = this.#length(1); n > 0; n--) {
      const item = this.#item(unmarked);
      if (set.has(item)) this.#bad('an element of a Set occurs twice');
      set.add(item);
    }
    return set;
  }

  #reference() {
    this.#expect(UINT);
    if (this.#arg >= this.#refs.length) this.#bad('tag 29 refers to nothing before it');
    const value = this.#refs[this.#arg];
    if (value === pending) this.#bad('a value of this kind cannot contain itself');
    return value;
  }

  #array(type, tag) {
    this.#expect(BYTES);
    const bytes = this.#chunk().slice();
    const size = type.BYTES_PER_ELEMENT;
    if (bytes.length % size !== 0) this.#bad('the bytes of a typed array end within an element');
    if (size > 1 && (tag & 4) === 0) { // big endian
      for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
    }
    return new type(bytes.buffer);
  }

  /** Tag 27: [type name, members]. */
  #object(mark) {
    this.#expect(ARRAY);
    const n = this.#length(1);
    if (n === 0) this.#bad('a type name was expected');
    const name = this.#text();
    if (name === 'Result' && n === 1) return Result;
    if (n !== 2) this.#bad(`a ${name} has one element`);
    switch (name) {
      case 'Continuation': return new Continuation(this.#item(unmarked));
      case 'Error': return this.#error(mark);
      case 'ArrayBuffer': return this.#plain().bytes?.buffer ?? this.#bad('an ArrayBuffer without bytes');
      case 'DataView': return this.#dataView(this.#plain());
      case 'Boolean': return new Boolean(this.#plain().value);
      case 'Number': return new Number(this.#plain().value);
      case 'String': return new String(this.#plain().value);
      case 'BigInt': return Object(BigInt(this.#plain().value));
      case 'Headers': return new Headers(this.#plain().entries);
      case 'Request': return requestOf(this.#plain());
      case 'Response': return responseOf(this.#plain());
    }
    this.#bad(`unknown type ${JSON.stringify(name.slice(0, 64))}`);
  }

  #plain() {
    this.#expect(MAP);
    return this.#assign(this.#length(2), {});
  }

  #dataView(m) {
    try {
      return new DataView(m.buffer.buffer, m.byteOffset, m.byteLength);
    } catch {
      this.#bad('a DataView outside of its buffer');
    }
  }

  #error(mark) {
    const error = this.#register(mark, new Error());
    const members = this.#plain();
    return withName(error, members);
  }
}

function fromHalf(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 0x3ff;
  let n = exponent === 0 ? fraction * 2 ** -24 : (fraction + 1024) * 2 ** (exponent - 25);
  if (exponent === 31) n = fraction === 0 ? Infinity : NaN;
  return bits & 0x8000 ? -n : n;
}
