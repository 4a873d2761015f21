// The kind of an object, determined by its internals and not by its class: another realm
// (an iframe, node:vm) has its own classes, and a prototype does not reveal hidden state.

const getter = (type, name) => Object.getOwnPropertyDescriptor(type.prototype, name).get;

/** Functions that throw unless called on an object of that kind, from any realm. */
const proofs = new Map([
  [Map, getter(Map, 'size')], [Set, getter(Set, 'size')], [Date, Date.prototype.getTime], [RegExp, getter(RegExp, 'source')],
  [ArrayBuffer, getter(ArrayBuffer, 'byteLength')], [URL, getter(URL, 'href')], [Headers, Headers.prototype.keys],
  ...[Boolean, Number, String, BigInt].map((type) => [type, type.prototype.valueOf]),
].map(([type, proof]) => [type.name, proof]));

function proves(kind, o) {
  try {
    proofs.get(kind).call(o);
    return true;
  } catch {
    return false;
  }
}

const tagOf = (o) => Object.prototype.toString.call(o).slice(8, -1);

/** Reports whether v is an error, from any realm. */
export function isError(v) {
  return v instanceof Error || (typeof v === 'object' && v !== null && ['Error', 'DOMException'].includes(tagOf(v)));
}

/**
 * Returns the kind of an object: Array, View, Error, one of the names above, or Object
 * if it consists of its own properties. An object with hidden state has no kind:
 * undefined.
 */
export function kindOf(o) {
  if (Array.isArray(o)) return 'Array';
  const prototype = Object.getPrototypeOf(o);
  if (prototype === Object.prototype || prototype === null) return 'Object';
  if (ArrayBuffer.isView(o)) return 'View';
  const type = classOf(prototype);
  if (!type.native && !type.tagged) return type.hides ? undefined : 'Object';
  if (isError(o)) return 'Error';
  const tag = tagOf(o);
  if (proofs.has(tag) && proves(tag, o)) return tag;
  if (type.native) return [...proofs.keys()].find((kind) => proves(kind, o)); // its tag may say something else
  return type.hides || typeof globalThis[tag] === 'function' ? undefined : 'Object';
}

/** Reports whether an object has no class, in any realm. */
export function isPlain(o) {
  const prototype = Object.getPrototypeOf(o);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const classes = new WeakMap(); // results of classOf, by prototype

/**
 * Describes a class and those that it extends: native, hides (private fields), tagged
 * (Symbol.toStringTag).
 */
function classOf(prototype) {
  let type = classes.get(prototype);
  if (type) return type;
  type = { native: false, hides: false, tagged: Symbol.toStringTag in prototype };
  for (let p = prototype, next; (next = Object.getPrototypeOf(p)) !== null; p = next) {
    const made = Object.getOwnPropertyDescriptor(p, 'constructor')?.value;
    if (typeof made !== 'function') continue;
    const source = Function.prototype.toString.call(made);
    type.native ||= /\{\s*\[native code\]\s*\}$/.test(source);
    type.hides ||= privateField.test(source);
  }
  classes.set(prototype, type);
  return type;
}

const privateField = /(?:^|[;{}\n])\s*(?:accessor\s+)?#[\p{ID_Continue}$]+\s*(?=[=;}\n])/u;

/** The name of an object's class, for messages. */
export function nameOfClass(o) {
  const tag = tagOf(o);
  const { constructor } = Object.getPrototypeOf(o) ?? {};
  return tag !== 'Object' ? tag : (typeof constructor === 'function' && constructor.name) || 'object';
}

/** What to send in place of an object that cannot be sent. */
export function instead(name) {
  if (/Iterator$|^(Async)?Generator$|^FormData$/.test(name)) return 'send an array, [...it]';
  if (/Stream$/.test(name)) return 'read it, and send what it held';
  return hints.get(name) ?? 'send its data as a plain object';
}

const bytes = 'send its bytes, await it.arrayBuffer()';
const hints = new Map(Object.entries({
  Blob: bytes, File: bytes, URLSearchParams: 'send its text, String(it)', Promise: 'await it first', Symbol: 'send its description',
  Request: 'use RequestSync', Response: 'use ResponseSync', SharedArrayBuffer: 'send a copy, new Uint8Array(it).slice()',
}));
