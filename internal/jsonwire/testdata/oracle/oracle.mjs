// Builds the values that a test of internal/jsonwire describes and says what other
// programs make of them. Reads {cases: [{recipe, json, cbor, plain}]} from stdin and
// writes one answer for each to stdout:
//   face   the value as the JavaScript face of lmz writes it after it has read the CBOR
//   faceAgain  what that writes after it has read the JSON
//   json   the value as @lumenize/structured-clone writes it
//   again  what that package writes after it has read the case's own JSON
//   wrong  which CBOR decoders read something else in the case's CBOR, if it is plain
import { register } from 'node:module';
import { isDeepStrictEqual } from 'node:util';

// The package imports its own files without their extension.
register('data:text/javascript,' + encodeURIComponent(`
  export async function resolve(specifier, context, next) {
    const own = context.parentURL?.includes('/structured-clone/') && specifier.startsWith('./') && !specifier.endsWith('.js');
    return next(own ? specifier + '.js' : specifier, context);
  }`));
const { stringify, parse, RequestSync, ResponseSync } = await import('@lumenize/structured-clone');
const cbor2 = await import('cbor2');
const { Decoder } = await import('cbor-x');
const face = '../../../../wasmclient/js/';
const { decode, encode } = await import(face + 'cbor.js');
const { readValue } = await import(face + 'json-read.js');
const { stringify: written, writeValue } = await import(face + 'json-write.js');

const arrays = { Uint8Array, Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array };

/** Builds a value. Containers are known before they are filled, so that they may contain themselves. */
function build(r, known) {
  const keep = (v) => { if (r.id) known.set(r.id, v); return v; };
  const items = () => (r.items ?? []).map((item) => build(item, known));
  const fill = (v) => { (r.keys ?? []).forEach((key, i) => { v[key] = build(r.items[i], known); }); return v; };
  switch (r.kind) {
    case 'ref': return known.get(r.ref);
    case 'null': return null;
    case 'undefined': return undefined;
    case 'boolean': return r.text === 'true';
    case 'number': return Number(r.text);
    case 'string': return r.text;
    case 'bigint': return BigInt(r.text);
    case 'date': return keep(new Date(Number(r.text)));
    case 'regexp': return keep(new RegExp(r.text, 'gi'));
    case 'url': return keep(new URL(r.text));
    case 'headers': return keep(new Headers((r.keys ?? []).map((key) => [key, 'v ' + key])));
    case 'bytes': return keep(new arrays[r.text](r.numbers ?? []));
    case 'buffer': return keep(new Uint8Array(r.numbers ?? []).buffer);
    case 'view': return keep(new DataView(new Uint8Array(r.numbers).buffer, 1, r.numbers.length - 1));
    case 'Boolean': return keep(new Boolean(r.text === 'true'));
    case 'Number': return keep(new Number(r.text));
    case 'String': return keep(new String(r.text));
    case 'BigInt': return keep(Object(BigInt(r.text)));
    case 'array': { const v = keep([]); for (const item of r.items ?? []) v.push(build(item, known)); return v; }
    case 'set': { const v = keep(new Set()); for (const item of r.items ?? []) v.add(build(item, known)); return v; }
    case 'map': {
      const v = keep(new Map());
      for (let i = 0; i < (r.items ?? []).length; i += 2) v.set(build(r.items[i], known), build(r.items[i + 1], known));
      return v;
    }
    case 'object': return fill(keep({}));
    case 'error': {
      const v = keep(new Error(r.text));
      v.name = r.name;
      if (r.stack) v.stack = r.stack; else delete v.stack;
      if (r.cause) v.cause = build(r.cause, known);
      return fill(v);
    }
    case 'request': {
      const [headers, body] = items();
      const v = keep(new RequestSync(r.text, { method: 'POST', headers, body }));
      return v;
    }
    case 'response': {
      const [headers, body] = items();
      return keep(new ResponseSync(body, { status: 201, statusText: r.text, headers }));
    }
  }
  throw new Error('unknown kind ' + r.kind);
}

/** Buffers are how cbor-x returns bytes. */
function plain(v) {
  if (Buffer.isBuffer(v)) return new Uint8Array(v);
  if (Array.isArray(v)) return v.map(plain);
  if (v instanceof Map) return new Map([...v].map(([k, w]) => [plain(k), plain(w)]));
  if (v instanceof Set) return new Set([...v].map(plain));
  if (v && Object.getPrototypeOf(v) === Object.prototype) return Object.fromEntries(Object.entries(v).map(([k, w]) => [k, plain(w)]));
  return v;
}

const decoders = {
  'cbor-x': (bytes) => new Decoder({ mapsAsObjects: true, useRecords: false }).decode(bytes),
  cbor2: (bytes) => cbor2.decode(bytes),
};

function attempt(f) {
  try { return f(); } catch (e) { return String(e); }
}

let text = '';
for await (const chunk of process.stdin) text += chunk;
const answers = JSON.parse(text).cases.map((c) => {
  const value = build(c.recipe, new Map());
  const wrong = [];
  for (const name of c.plain ?? []) {
    const got = attempt(() => plain(decoders[name](Buffer.from(c.cbor, 'hex'))));
    if (!isDeepStrictEqual(got, value)) wrong.push(name + ' reads ' + attempt(() => stringify(got)));
  }
  return {
    json: stringify(value), again: attempt(() => stringify(parse(c.json))), wrong,
    face: attempt(() => written(writeValue(decode(Buffer.from(c.cbor, 'hex'))))),
    faceAgain: attempt(() => written(writeValue(decode(encode(readValue(JSON.parse(c.json))))))),
  };
});
process.stdout.write(JSON.stringify(answers));
