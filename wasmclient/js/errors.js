// Errors that cross the mesh: real Error objects of the class that their name says.

const registered = new Map(); // classes by name
const names = new Map(); // of registered classes

/** What the standard gives to errors of these names, which no loop over an error's properties meets. */
const unlisted = new Map([['AggregateError', ['errors']], ['SuppressedError', ['error', 'suppressed']]]);

/**
 * The class that errors of this name are made of, if there is one: a registered one, or one
 * that the global object has. No constructor and no getter is run because a peer says so.
 */
export function classOf(name) {
  if (registered.has(name)) return registered.get(name);
  const { value } = Object.getOwnPropertyDescriptor(globalThis, name) ?? {};
  const fits = value === Error || (typeof value === 'function' && value.prototype instanceof Error && value !== globalThis.DOMException);
  return fits ? value : undefined; // a DOMException cannot be made by others than the platform
}

/**
 * Has errors of the mesh that are called after class (or name) become instances of
 * it, without running its constructor.
 */
export function registerError(type, name = type.name) {
  registered.set(name, type);
  names.set(type, name);
}

/** The user must sign in. */
export class LoginRequiredError extends Error {
  constructor(message, code, reason) {
    super(message);
    this.name = 'LoginRequiredError';
    this.code = code;
    this.reason = reason;
  }
}

/** A client's session has ended; clientInstanceName says whose. */
export class ClientDisconnectedError extends Error {}
registerError(ClientDisconnectedError, 'ClientDisconnectedError');

/** Refuses a call before the method runs: thrown by the runtime, never by handlers. */
export class Refusal extends Error {
  constructor(lmzCode, error) {
    super(error.message);
    this.lmzCode = lmzCode;
    this.error = error;
  }
}

/** The name under which an error travels: its own, or its class's. */
export function nameOf(error) {
  const known = names.get(error.constructor);
  if (known && !Object.hasOwn(error, 'name')) return known; // it may inherit RangeError
  if (error.name && error.name !== 'Error') return String(error.name);
  return error.constructor?.name || 'Error';
}

const common = new Set(['name', 'message', 'stack', 'cause']);
const engines = new Set(['line', 'column', 'sourceURL', 'fileName', 'lineNumber', 'columnNumber']); // where it was made

/**
 * The names of what an error has of its own beside what all have, listed or not. What
 * withCode and the engine put there is not its own.
 */
export function ownMembers(e) {
  return Object.getOwnPropertyNames(e).filter((key) => {
    if (common.has(key)) return false;
    if (Object.prototype.propertyIsEnumerable.call(e, key)) return true;
    return !engines.has(key) && key !== 'lmzCode' && !(key === 'code' && e.code === e.lmzCode);
  });
}

/** Gives a new error the members that came with it. */
export function withName(error, { name = 'Error', message = '', ...fields }) {
  const type = classOf(name);
  if (type) Object.setPrototypeOf(error, type.prototype);
  if (error.name !== name) hidden(error, 'name', name);
  hidden(error, 'message', message);
  if (Object.hasOwn(fields, 'cause')) {
    hidden(error, 'cause', fields.cause);
    delete fields.cause;
  }
  if (typeof fields.stack === 'string') delete fields.stack;
  for (const key of Object.keys(fields)) {
    if (unlisted.get(name)?.includes(key)) hidden(error, key, fields[key]);
    else Object.defineProperty(error, key, { value: fields[key], writable: true, enumerable: true, configurable: true });
  }
  return error;
}

/** Says on an error, as lmzCode, who failed: callee, guard, absent, gateway or unknown. It does not travel on. */
export function withCode(error, lmzCode) {
  const e = error instanceof Error ? error : new Error('the node returned a malformed error', { cause: error });
  hidden(e, 'lmzCode', lmzCode);
  return e;
}

/** An error of this node, with its code. */
export function failure(message, lmzCode, options) {
  return withCode(new Error(message, options), lmzCode);
}

function hidden(object, key, value) {
  Object.defineProperty(object, key, { value, writable: true, enumerable: false, configurable: true });
}
