// Encodes values in the JSON of servers that speak only lmz: {json, meta} (PROTOCOL.md, "The
// subprotocol lmz"). The values are those that decode.js returns.

import { nameOf, ownMembers } from './errors.js';
import { Continuation, OPS, RequestSync, ResponseSync, Result, checkChain } from './values.js';
import { Walk } from './walk.js';

/** Writes a value for stringify. Throws a TypeError with the path to what JSON cannot hold. */
export function writeValue(value) {
  return new Writer(value).document((w) => w.value(value));
}

/** Writes the operations of a continuation. */
export function writeChain(ops) {
  return new Writer(...ops).document((w) => w.chain(ops));
}

/** Writes the error of an answer, with lmzCode as a property. */
export function writeError(error, lmzCode) {
  return new Writer(error).document((w) => w.value(error, lmzCode));
}

// JSON.stringify drops the sign of -0. No decoded text holds an unpaired surrogate, so one
// can stand for it meanwhile.
const minusZero = '\udead';

/** JSON.stringify for values that were written here. */
export function stringify(message) {
  return JSON.stringify(message).replaceAll('"\\udead"', '-0');
}

const finite = (n) => (Object.is(n, -0) ? minusZero : n);

/** The members by which the original recognizes nested work. */
export const nestedFlag = '__isNestedOperation', nestedChain = '__operationChain';

/** Makes an object without a prototype, in which __proto__ is an ordinary name. */
const bare = (members) => Object.assign(Object.create(null), members);

const tagged = ($type, members) => bare({ $type, ...members });

class Writer extends Walk {
  #counts = new Map(); // how often each object occurs
  #ids = new Map(); // of those that occur twice
  #aliases = Object.create(null);

  constructor(...roots) {
    super();
    for (const root of roots) this.#count(root);
  }

  document(write) {
    const json = this.run(write);
    return { json, meta: this.#ids.size > 0 ? { aliases: this.#aliases } : {} };
  }

  #list(values) {
    return Array.from(values, (v, i) => this.within(i, () => this.value(v)));
  }

  #count(v) {
    if (v === null || typeof v !== 'object' || v === Result) return;
    if (v instanceof Continuation) return v[OPS].forEach((op) => this.#count(op));
    const n = (this.#counts.get(v) ?? 0) + 1;
    this.#counts.set(v, n);
    if (n === 1) for (const part of parts(v)) this.#count(part);
  }

  value(v, lmzCode) {
    switch (typeof v) {
      case 'undefined': return tagged('undefined');
      case 'bigint': return tagged('bigint', { value: String(v) });
      case 'number': return Number.isFinite(v) ? finite(v) : tagged('number-special', { value: String(v) });
      case 'object': break;
      default: return v; // a boolean or text: decode returns nothing else
    }
    if (v === null) return v;
    if (v === Result) return this.#work([{ type: 'get', key: '$result' }]);
    if (v instanceof Continuation) return this.#work(this.chain(v[OPS]));
    if (this.#counts.get(v) < 2) return this.#content(v, lmzCode);
    let id = this.#ids.get(v);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(v, id);
      this.#aliases[id] = this.#content(v, lmzCode);
    }
    return { $ref: id };
  }

  #work(chain) {
    return { [nestedFlag]: true, [nestedChain]: chain };
  }

  chain(ops) {
    checkChain(ops);
    return ops.map((op, i) => {
      if (typeof op === 'string') return { type: 'get', key: op };
      return { type: 'apply', args: this.within(ops[i - 1], () => this.#list(op)) };
    });
  }

  #content(v, lmzCode) {
    if (Array.isArray(v)) return this.#list(v);
    if (v instanceof Map) {
      const entry = ([key, e], i) => this.within(i, () => [this.within('key', () => this.value(key)), this.value(e)]);
      return tagged('map', { entries: Array.from(v, entry) });
    }
    if (v instanceof Set) return tagged('set', { values: this.#list(v) });
    if (v instanceof Date) return tagged('date', { iso: v.toISOString() });
    if (v instanceof RegExp) return tagged('regexp', { source: v.source, flags: v.flags });
    if (v instanceof Error) return this.#error(v, lmzCode);
    if (v instanceof Headers) return tagged('headers', { entries: [...v] });
    if (v instanceof URL) return tagged('url', { href: v.href });
    if (v instanceof RequestSync) {
      const { url, method, headers, body } = v;
      return tagged('request-sync', { data: { url, method, headers: this.value(headers), body: this.within('body', () => this.#body(body ?? null)) } });
    }
    if (v instanceof ResponseSync) {
      const { status, statusText, headers, body } = v;
      return tagged('response-sync', { data: { status, statusText, headers: this.value(headers), body: this.within('body', () => this.#body(body ?? null)) } });
    }
    if (v instanceof Boolean) return tagged('boolean-object', { value: v.valueOf() });
    if (v instanceof String) return tagged('string-object', { value: v.valueOf() });
    if (v instanceof BigInt) return tagged('bigint-object', { value: String(v) });
    if (v instanceof Number) {
      const n = v.valueOf();
      return tagged('number-object', { value: Number.isFinite(n) ? finite(n) : String(n) });
    }
    if (v instanceof ArrayBuffer || ArrayBuffer.isView(v)) return this.#buffer(v);
    if (v[nestedFlag] === true) {
      this.within(nestedFlag, () => this.refuse('an object with this member cannot be sent as JSON: it would be taken for a continuation'));
    }
    return this.#members(Object.create(null), v, Object.keys(v));
  }

  #error(e, lmzCode) {
    const out = tagged('error', { name: nameOf(e), message: String(e.message) });
    if (Object.hasOwn(e, 'cause') && e.cause !== undefined) out.cause = this.within('cause', () => this.value(e.cause));
    this.#members(out, e, ownMembers(e).filter((key) => !lmzCode || key !== 'lmzCode'));
    if (lmzCode) out.lmzCode = lmzCode;
    return out;
  }

  /** Writes the user's members: a leading $ of a name is doubled. */
  #members(out, v, keys) {
    for (const key of keys) out[key.startsWith('$') ? `$${key}` : key] = this.within(key, () => this.value(v[key]));
    return out;
  }

  #buffer(v) {
    const subtype = v.constructor.name;
    const list = (numbers) => Array.from(numbers, (n, i) => {
      if (typeof n === 'bigint') this.refuse(`a ${subtype} cannot be sent as JSON: send an array of bigints`);
      if (!Number.isFinite(n)) this.within(i, () => this.refuse(`${n} in a ${subtype} cannot be sent as JSON: send an array of numbers`));
      return finite(n);
    });
    if (v instanceof ArrayBuffer) return tagged('arraybuffer', { subtype, data: list(new Uint8Array(v)) });
    if (v instanceof DataView) {
      const { byteOffset, byteLength } = v;
      return tagged('arraybuffer', { subtype, data: list(new Uint8Array(v.buffer)), byteOffset, byteLength });
    }
    return tagged('arraybuffer', { subtype, data: list(v) });
  }

  /** Writes the body of a request or response, which is sent as plain JSON. */
  #body(v) {
    if (Array.isArray(v)) return v.map((e, i) => this.within(i, () => this.#body(e)));
    if (v === null || typeof v === 'string' || typeof v === 'boolean') return v;
    if (Number.isFinite(v)) return finite(v);
    if (Object.getPrototypeOf(v ?? 0) !== Object.prototype) this.refuse(`${v?.constructor?.name ?? v} cannot be sent as JSON in a body`);
    return bare(Object.fromEntries(Object.entries(v).map(([key, value]) => [key, this.within(key, () => this.#body(value))])));
  }
}

/** Returns the values that are written as part of an object. */
function parts(v) {
  if (Array.isArray(v) || v instanceof Set) return [...v];
  if (v instanceof Map) return [...v].flat(1);
  if (v instanceof Error) return [v.cause, ...ownMembers(v).map((key) => v[key])];
  if (v instanceof RequestSync || v instanceof ResponseSync) return [v.headers];
  const { constructor } = v;
  return constructor === Object || constructor === undefined || Object.getPrototypeOf(v) === Object.prototype ? Object.values(v) : [];
}
