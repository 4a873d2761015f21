// Decodes the JSON of servers that speak only lmz: the inverse of json-write.js.

import { withName } from './errors.js';
import { nestedChain, nestedFlag } from './json-write.js';
import { requestOf, responseOf } from './requests.js';
import { Continuation, Result } from './values.js';
import { Walk } from './walk.js';

/** Reads {json, meta}. Throws a TypeError if it cannot be read. */
export function readValue(encoded) {
  return read(encoded, (reader, json) => reader.value(json));
}

/** Reads the operations of a continuation. */
export function readChain(encoded) {
  return read(encoded, (reader, json) => reader.chain(json));
}

/** Reads the error of an answer, and its failure code if it has one. */
export function readError(encoded) {
  let code = '';
  const value = read(encoded, (reader, json) => {
    const body = reader.resolve(json);
    if (isObject(body) && body.$type === 'error' && codes.has(body.lmzCode)) {
      code = body.lmzCode;
      delete body.lmzCode;
    }
    return reader.value(json);
  });
  if (value instanceof Error) return { error: value, code };
  return { error: new Error(typeof value === 'string' ? value : 'the node returned a malformed error'), code: '' };
}

const codes = new Set(['callee', 'guard', 'absent', 'gateway', 'unknown']);

function read(encoded, body) {
  if (encoded === null || encoded === undefined) throw new TypeError('null where an encoded value belongs');
  if (!isObject(encoded) || !Object.hasOwn(encoded, 'json')) return undefined;
  const aliases = encoded.meta?.aliases;
  return new Reader(isObject(aliases) ? aliases : {}).run((reader) => body(reader, encoded.json));
}

export const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v);

const arrays = new Map([
  Uint8Array, Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array,
].map((type) => [type.name, type]));

const withoutIdentity = new Set(['undefined', 'bigint', 'number-special']);
const maxWork = 10_000; // continuations are expanded at every reference

class Reader extends Walk {
  #aliases;
  #known = new Map(); // by alias: values, some still incomplete
  #work = 0;

  constructor(aliases) {
    super();
    this.#aliases = aliases;
  }

  value(node) {
    if (Array.isArray(node)) return this.#list(node, []);
    if (!isObject(node)) return node;
    if (isReference(node)) return this.#reference(node.$ref);
    return this.#body(node, (v) => v);
  }

  /** Returns what a reference stands for. */
  resolve(node) {
    return isObject(node) && isReference(node) ? this.#aliases[node.$ref] : node;
  }

  #reference(id) {
    if (this.#known.has(id)) return this.#known.get(id);
    if (typeof id !== 'number' || !Object.hasOwn(this.#aliases, String(id))) return undefined;
    const node = this.#aliases[id];
    const keep = (v) => { this.#known.set(id, v); return v; };
    if (Array.isArray(node)) return this.#list(node, keep([]));
    if (!isObject(node)) return node;
    if (isReference(node) || withoutIdentity.has(node.$type)) return this.#plain(node, keep({}));
    return this.#body(node, keep);
  }

  #list(nodes, into) {
    nodes.forEach((node, i) => this.within(i, () => into.push(this.value(node))));
    return into;
  }

  /** Reads an object that is not a reference. Calls keep with the value before filling it. */
  #body(node, keep) {
    const { $type } = node;
    if (typeof $type === 'string') {
      const make = types[$type];
      if (make) return make.call(this, node, keep);
    } else if ($type === undefined && node[nestedFlag] === true) {
      return this.#continuation(node);
    }
    return this.#plain(node, keep({}));
  }

  #plain(node, into) {
    for (const [key, value] of Object.entries(node)) {
      set(into, unescaped(key), key === '$type' ? value : this.within(key, () => this.value(value))); // keeps an unknown type
    }
    return into;
  }

  #continuation(node) {
    if (++this.#work > maxWork) throw new TypeError('its references ask for too much work');
    const ops = this.resolve(node[nestedChain]);
    if (!Array.isArray(ops)) throw new TypeError(`invalid nested operation marker: missing ${nestedChain}`);
    const only = this.resolve(ops[0]);
    if (ops.length === 1 && only?.type === 'get' && only.key === '$result') return Result;
    return new Continuation(this.chain(ops));
  }

  chain(node) {
    const ops = this.resolve(node);
    if (!Array.isArray(ops)) throw new TypeError('invalid operation chain: operations must be an array');
    return ops.map((o, i) => {
      const op = this.resolve(o);
      if (op?.type === 'get' && (typeof op.key === 'string' || typeof op.key === 'number')) return String(op.key);
      const args = this.resolve(op?.args);
      if (op?.type === 'apply' && Array.isArray(args)) return this.within(this.resolve(ops[i - 1])?.key ?? i, () => this.#list(args, []));
      throw new TypeError('invalid operation chain: an operation is of an unknown type');
    });
  }

  map(node, keep) {
    const map = keep(new Map());
    list(node, 'entries').forEach((entry, i) => this.within(i, () => {
      const key = this.within('key', () => this.value(list(entry)[0]));
      if (map.has(key)) this.refuse('the key occurs twice');
      map.set(key, this.value(entry[1]));
    }));
    return map;
  }

  set(node, keep) {
    const values = keep(new Set());
    list(node, 'values').forEach((node, i) => this.within(i, () => {
      const value = this.value(node);
      if (values.has(value)) this.refuse('it occurs twice');
      values.add(value);
    }));
    return values;
  }

  error(node, keep) {
    const error = keep(new Error());
    const members = {};
    for (const [key, value] of Object.entries(node)) {
      if (key === '$type' || key === 'stack') continue;
      const read = this.within(key, () => this.value(value));
      if (key !== 'cause' || read !== undefined) set(members, unescaped(key), read);
    }
    const { name, message } = members;
    members.name = typeof name === 'string' && name !== '' ? name : 'Error';
    members.message = typeof message === 'string' ? message : String(message ?? '');
    return withName(error, members);
  }

  request(node, keep) {
    const { url, method = 'GET', headers, body = null } = text(node, 'data', isObject);
    const request = keep(requestOf({ url: text({ url }, 'url'), method: text({ method }, 'method') }));
    return Object.assign(request, { headers: this.#headers(headers), body });
  }

  response(node, keep) {
    const { status = 200, statusText = '', headers, body = null } = text(node, 'data', isObject);
    if (!Number.isInteger(status) || status < 200 || status > 599) throw new TypeError('data.status: expected a status from 200 to 599');
    const response = keep(responseOf({ status, statusText: text({ statusText }, 'statusText') }));
    return Object.assign(response, { headers: this.#headers(headers), body });
  }

  #headers(node) {
    const headers = node === undefined || node === null ? new Headers() : this.value(node);
    if (!(headers instanceof Headers)) throw new TypeError('data.headers: expected headers');
    return headers;
  }

  /** Reads what a peer sends for a function. It cannot be called. */
  function(node, keep) {
    const { $type: _, ...members } = node;
    return this.#plain(members, keep({}));
  }
}

/** Makes a value of each type: called on the reader with the node and keep. */
const types = Object.assign(Object.create(null), {
  undefined: () => undefined,
  bigint: (node) => bigInt(node),
  'number-special': (node) => special(text(node, 'value')),
  date: (node, keep) => keep(date(text(node, 'iso'))),
  regexp: (node, keep) => keep(new RegExp(text(node, 'source'), text(node, 'flags'))),
  map: Reader.prototype.map,
  set: Reader.prototype.set,
  error: Reader.prototype.error,
  headers: (node, keep) => keep(new Headers(list(node, 'entries'))),
  url: (node, keep) => keep(new URL(text(node, 'href'))),
  arraybuffer: (node, keep) => keep(buffer(node)),
  'boolean-object': (node, keep) => keep(new Boolean(text(node, 'value', (v) => typeof v === 'boolean'))),
  'number-object': (node, keep) => keep(new Number(typeof node.value === 'number' ? node.value : special(text(node, 'value')))),
  'string-object': (node, keep) => keep(new String(text(node, 'value'))),
  'bigint-object': (node, keep) => keep(Object(bigInt(node))),
  'request-sync': Reader.prototype.request,
  'response-sync': Reader.prototype.response,
  function: Reader.prototype.function,
});

function isReference(node) {
  return typeof node.$ref === 'number' && Object.keys(node).length === 1;
}

function unescaped(key) {
  return key.startsWith('$$') ? key.slice(1) : key;
}

function set(object, key, value) {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Returns a required member: text, unless is accepts something else. */
function text(node, name, is = (v) => typeof v === 'string') {
  if (!is(node[name])) throw new TypeError(`${name}: this cannot be read`);
  return node[name];
}

function list(node, name) {
  const value = name === undefined ? node : node[name];
  if (!Array.isArray(value)) throw new TypeError(`${name ?? 'an entry'}: expected an array`);
  return value;
}

const maxDigits = 3 * 16 * 1024;

function bigInt(node) {
  const digits = text(node, 'value', (v) => typeof v === 'string' && v.length <= maxDigits && /^-?\d+$/.test(v));
  return BigInt(digits);
}

function special(name) {
  const n = Number(name);
  if (Number.isFinite(n)) throw new TypeError(`${JSON.stringify(name.slice(0, 64))} is no special number`);
  return n;
}

function date(iso) {
  const d = new Date(iso);
  if (Number.isNaN(d.getTime())) throw new TypeError(`${JSON.stringify(iso.slice(0, 64))} is no date`);
  return d;
}

function buffer(node) {
  const subtype = text(node, 'subtype');
  const numbers = list(node, 'data').map((n, i) => {
    if (typeof n !== 'number') throw new TypeError(`data[${i}]: expected a number`); // NaN and infinities arrive as null
    return n;
  });
  if (subtype === 'ArrayBuffer') return new Uint8Array(numbers).buffer;
  if (subtype === 'DataView') return new DataView(new Uint8Array(numbers).buffer, node.byteOffset, node.byteLength);
  const type = arrays.get(subtype);
  if (!type) throw new TypeError(`a ${JSON.stringify(subtype.slice(0, 64))} cannot be read from JSON`);
  return new type(numbers);
}
