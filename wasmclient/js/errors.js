// Errors that cross the mesh: real Error objects of the class they are named after.

const registered = new Map(); // classes by name
const names = new Map(); // of registered classes

/** Members that the standard defines as non-enumerable on errors of these names. */
const unlisted = new Map([['AggregateError', ['errors']], ['SuppressedError', ['error', 'suppressed']]]);

/**
 * Returns the class for errors of this name, if there is one: registered, or a property of the
 * global object. A peer cannot make a constructor or getter run.
 */
export function classOf(name) {
  if (registered.has(name)) return registered.get(name);
  const { value } = Object.getOwnPropertyDescriptor(globalThis, name) ?? {};
  const fits = value === Error || (typeof value === 'function' && value.prototype instanceof Error && value !== globalThis.DOMException);
  return fits ? value : undefined; // only the platform can make a DOMException
}

/**
 * Registers a class for errors of the mesh that are called name. They become its instances
 * without running its constructor.
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

/** Returns the name under which an error is sent: its own, or its class's. */
export function nameOf(error) {
  const known = names.get(error.constructor);
  if (known && !Object.hasOwn(error, 'name')) return known; // it may inherit one, such as RangeError
  if (error.name && error.name !== 'Error') return String(error.name);
  return error.constructor?.name || 'Error';
}

const common = new Set(['name', 'message', 'stack', 'cause']);
const engines = new Set(['line', 'column', 'sourceURL', 'fileName', 'lineNumber', 'columnNumber']); // where the error was created

/**
 * Returns the names of an error's own members, enumerable or not, except those that all
 * errors have. What withCode and the engine add does not count.
 */
export function ownMembers(e) {
  return Object.getOwnPropertyNames(e).filter((key) => {
    if (common.has(key)) return false;
    if (Object.prototype.propertyIsEnumerable.call(e, key)) return true;
    return !engines.has(key) && key !== 'lmzCode' && !(key === 'code' && e.code === e.lmzCode);
  });
}

/** Gives a new error the members it was sent with. */
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

/**
 * Sets lmzCode on an error, which says who failed: callee, guard, absent, gateway or unknown.
 * It is not sent on.
 */
export function withCode(error, lmzCode) {
  const e = error instanceof Error ? error : new Error('the node returned a malformed error', { cause: error });
  hidden(e, 'lmzCode', lmzCode);
  return e;
}

/** Returns an error of this node, with its code. */
export function failure(message, lmzCode, options) {
  return withCode(new Error(message, options), lmzCode);
}

function hidden(object, key, value) {
  Object.defineProperty(object, key, { value, writable: true, enumerable: false, configurable: true });
}
