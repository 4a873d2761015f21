// Errors that cross the mesh: real Error objects of the class that their name says.

/** The classes that errors from the mesh are made of, by name. */
export const builtins = new Map(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map((c) => [c.name, c]),
);

const names = new Map(); // of registered classes

/**
 * Has errors of the mesh that are called after class (or name) become instances of
 * it, without running its constructor.
 */
export function registerError(type, name = type.name) {
  builtins.set(name, type);
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
  const registered = names.get(error.constructor);
  if (registered && !Object.hasOwn(error, 'name')) return registered; // it may inherit RangeError
  if (error.name && error.name !== 'Error') return String(error.name);
  return error.constructor?.name || 'Error';
}

/** Gives a new error the members that came with it. */
export function withName(error, { name = 'Error', message = '', ...fields }) {
  const type = builtins.get(name);
  if (type) Object.setPrototypeOf(error, type.prototype);
  if (error.name !== name) hidden(error, 'name', name);
  hidden(error, 'message', message);
  if (Object.hasOwn(fields, 'cause')) {
    hidden(error, 'cause', fields.cause);
    delete fields.cause;
  }
  if (typeof fields.stack === 'string') delete fields.stack;
  for (const key of Object.keys(fields)) {
    Object.defineProperty(error, key, { value: fields[key], writable: true, enumerable: true, configurable: true });
  }
  return error;
}

/**
 * Says on an error who failed: callee, guard, absent, gateway or unknown. It is
 * lmzCode, and code where the error has none of its own. Neither travels on.
 */
export function withCode(error, lmzCode) {
  const e = error instanceof Error ? error : new Error('the node failed with something that is no error', { cause: error });
  hidden(e, 'lmzCode', lmzCode);
  if (!Object.hasOwn(e, 'code')) hidden(e, 'code', lmzCode);
  return e;
}

/** An error of this node, with its code. */
export function failure(message, lmzCode, options) {
  return withCode(new Error(message, options), lmzCode);
}

function hidden(object, key, value) {
  Object.defineProperty(object, key, { value, writable: true, enumerable: false, configurable: true });
}
