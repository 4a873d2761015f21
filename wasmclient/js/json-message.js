// The messages of servers that speak only lmz. Go sends and receives them as CBOR arrays,
// which foreign.go of internal/jsonwire describes.

import { decode } from './decode.js';
import { encode, encodeChain } from './encode.js';
import { nameOf } from './errors.js';
import { isObject, readChain, readError, readValue } from './json-read.js';
import { stringify, writeChain, writeError, writeValue } from './json-write.js';
import { maxFrame } from './tags.js';

const none = new Uint8Array(0);

/** Converts a message to JSON text. Throws a TypeError for a call that JSON cannot hold. */
export function toJSON(message) {
  const [type, callId, binding, instance, context, chain, failed, payload, subscriptionRequired] = decode(message);
  switch (type) {
    case 'call': case 'incoming_call': {
      const to = type === 'call' ? { binding, ...(instance && { instance }) } : {};
      return stringify({ type, callId, ...to, chain: writeChain(decode(chain)), callContext: writeContext(context) });
    }
    case 'connection_status': return JSON.stringify({ type, subscriptionRequired });
  }
  return writeAnswer({ type, callId }, failed, payload);
}

/** Encodes an answer. One that JSON cannot hold becomes an error that says so. */
function writeAnswer(head, failed, payload) {
  let why;
  try {
    const value = decode(payload);
    const outcome = failed ? { success: false, error: writeError(value, failed) } : { success: true, result: writeValue(value) };
    const text = stringify({ ...head, ...outcome });
    if (new TextEncoder().encode(text).length <= maxFrame) return text;
    why = `too large: it takes more than ${maxFrame} bytes`;
  } catch (error) {
    why = error.message;
  }
  const error = new TypeError(`the answer cannot be sent as JSON: ${why}`);
  return JSON.stringify({ ...head, success: false, error: writeError(error, 'callee') });
}

/** Converts JSON text to a message. Calls unknown with a message of unknown type. */
export function fromJSON(text, unknown = () => {}) {
  const message = { type: '', callId: '', binding: '', instance: '', context: none, chain: none, failed: '', payload: none, flag: false, wrong: '' };
  const parsed = JSON.parse(text);
  if (isObject(parsed)) fill(message, parsed);
  if (!known.has(message.type)) unknown(parsed);
  return encode(Object.values(message));
}

const known = new Set(['incoming_call', 'call_response', 'connection_status']); // to a client

function fill(message, parsed) {
  message.type = string(parsed.type);
  message.callId = string(parsed.callId);
  switch (message.type) {
    case 'connection_status':
      message.flag = parsed.subscriptionRequired === true;
      return;
    case 'call': case 'incoming_call':
      try {
        message.binding = string(parsed.binding);
        message.instance = string(parsed.instance);
        message.chain = encodeChain(readChain(parsed.chain));
        message.context = encode(readContext(parsed.callContext));
      } catch (error) {
        message.wrong = error.message || nameOf(error);
      }
      return;
    case 'call_response': case 'incoming_call_response':
      [message.failed, message.payload] = readAnswer(parsed);
  }
}

const string = (v) => (typeof v === 'string' ? v : '');

/** Reads an answer. Even one that cannot be read settles its call. */
function readAnswer({ success, result, error }) {
  const unreadable = (why) => ['unknown', encode(new Error(`the answer cannot be read: ${why}`))];
  try {
    if (success === true) return (result ?? null) === null ? unreadable('it has no result') : ['', encode(readValue(result))];
    if (success !== false) return unreadable('it does not say whether the call succeeded');
    if ((error ?? null) === null) return ['callee', encode(new Error('the call failed, and the answer does not say why'))];
    const read = readError(error);
    return [read.code || 'callee', encode(read.error)];
  } catch (e) {
    return unreadable(e.message);
  }
}

function writeContext(encoded) {
  const { chain = [], auth, state = {}, clientState = {} } = encoded.length > 0 ? decode(encoded) : {};
  const callChain = chain.map(([type, bindingName, instanceName]) => ({ type, bindingName, ...(instanceName && { instanceName }) }));
  const ours = Object.keys(clientState).filter((key) => !Object.hasOwn(state, key)).sort();
  return {
    callChain, ...(auth && { originAuth: auth }), state: writeValue({ ...clientState, ...state }),
    ...(Object.keys(clientState).length > 0 && { lmzClientState: ours }),
  };
}

/** Reads a call context. JSON does not say who set the state, so it counts as the client's. */
function readContext(context) {
  if (!isObject(context)) return {};
  const { callChain, originAuth, state } = context;
  const read = {};
  if (Array.isArray(callChain) && callChain.length > 0) read.chain = callChain.map(readHop);
  if (isObject(originAuth)) {
    const { sub, claims } = originAuth;
    read.auth = { sub: string(sub), ...(isObject(claims) && { claims }) };
  }
  if (isObject(state)) {
    const values = readValue(state) ?? {};
    if (!isObject(values)) throw new TypeError('callContext.state: expected an object');
    if (Object.keys(values).length > 0) read.clientState = values;
  }
  return read;
}

function readHop(hop) {
  if (!isObject(hop)) throw new TypeError('callContext.callChain: expected an object');
  const { type, bindingName, instanceName } = hop;
  return [string(type), string(bindingName), ...(string(instanceName) ? [instanceName] : [])];
}
