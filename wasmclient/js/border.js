// The border to the Go module: one function in each direction, and bytes. Names and
// arguments must agree with ../border.go.

import { goClass } from './go.js'; // Go's wasm_exec.js, which the build turns into a module
import { fromJSON, toJSON } from './json-message.js';
import { claimsOf } from './token.js';

let running; // promise of the module, shared by all clients

/**
 * Loads the module once for all clients; clients call it themselves. The source is the
 * URL of lmz.wasm, its bytes or a Response; the default is the file next to this one.
 * After a failure it may be called again.
 */
export function load(source = new URL('./lmz.wasm', import.meta.url)) {
  running ??= start(source).catch((error) => {
    running = undefined;
    throw error;
  });
  return running;
}

async function start(source) {
  const module = new Module();
  // The global object that Go sees. Nothing is added to the page's own.
  const { crypto, performance } = globalThis;
  const Go = goClass({ Object, Array, Uint8Array, Date, TextEncoder, TextDecoder, crypto, performance, border: module.border });
  const go = new Go();
  go.exit = () => {}; // outlive reports it
  outlive(go, (error) => module.died(error));
  const { instance } = await instantiate(await source, go.importObject);
  go.run(instance).catch(() => {}); // runs until main blocks
  if (!module.border.enter) throw new Error('this is no lmz.wasm');
  return module;
}

/**
 * Makes a Go program end without throwing, even on a platform exception such as a stack
 * overflow: its timers and handlers would throw into a page's events and end a Node.js
 * process. Calls died once, asynchronously.
 */
function outlive(go, died) {
  const resume = go._resume;
  let ended = false;
  const end = (error) => {
    ended = true;
    for (const timer of go._scheduledTimeouts.values()) clearTimeout(timer);
    go._scheduledTimeouts.clear(); // a timer callback that is running retries until then
    queueMicrotask(() => died(error));
  };
  go._resume = () => {
    if (ended) return;
    try {
      resume.call(go);
      if (go.exited && !ended) end();
    } catch (error) {
      if (!ended) end(error);
    }
  };
}

async function instantiate(source, imports) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return WebAssembly.instantiate(source, imports);
  let response = source;
  if (!(source instanceof Response)) {
    const url = new URL(source, globalThis.location?.href);
    if (url.protocol === 'file:') {
      const fs = 'node:fs/promises'; // bundlers for browsers must not resolve it
      const { readFile } = await import(/* @vite-ignore */ /* webpackIgnore: true */ fs);
      return WebAssembly.instantiate(await readFile(url), imports);
    }
    response = await fetch(url, { credentials: 'same-origin' });
  }
  if (!response.ok) throw new Error(`lmz.wasm cannot be loaded: ${response.status}`);
  if (response.headers.get('Content-Type') === 'application/wasm' && WebAssembly.instantiateStreaming) {
    return WebAssembly.instantiateStreaming(response, imports);
  }
  return WebAssembly.instantiate(await response.arrayBuffer(), imports);
}

/** Calls f and returns an exception as { wrong }: none may reach Go. */
function attempt(f, ...args) {
  try {
    return f(...args);
  } catch (error) {
    return { wrong: error.message };
  }
}

/** Runs f. An exception becomes an uncaught error. */
function isolated(f) {
  try {
    f();
  } catch (error) {
    queueMicrotask(() => { throw error; });
  }
}

/** A running module. */
class Module {
  #clients = new Map(); // by number: { handler, socket }
  #waiting = new Map(); // calls by id: function (failed, payload, message)
  #ids = 0;
  #numbers = 0;
  #queue = [];
  #dead = false;

  border = {
    scratch: new Uint8Array(0),
    /** Which log entries of the client go to the console: a filter of package debug. */
    filter: () => {
      try {
        return globalThis.localStorage?.getItem('DEBUG') ?? '';
      } catch {
        return ''; // storage is blocked here
      }
    },
    log: (line) => attempt(() => console.debug(line)),
    toJSON: (message) => attempt(toJSON, message),
    fromJSON: (client, text) => attempt(fromJSON, text, (message) => this.#unknown(client, message)),
    subject: (token) => claimsOf(token)?.sub,
    enter: undefined, // set by Go
    notify: (event, client, id, first, second, length, split) => {
      const bytes = this.border.scratch.slice(0, length);
      if (this.#queue.push({ event, client, id, first, second, bytes, split }) === 1) {
        queueMicrotask(() => this.#flush());
      }
    },
  };

  /** Opens a client whose events go to the methods of handler. Returns its number. */
  open(handler, { url, binding, tab, heartbeat, WebSocket, missed, instance }) {
    const number = ++this.#numbers, client = { handler };
    const Socket = function open(...args) { return (client.socket = new WebSocket(...args)); };
    const problem = this.#enter('new', number, 0, url, binding, tab, heartbeat, Socket, missed, instance);
    if (problem) throw new TypeError(problem);
    this.#clients.set(number, client);
    return number;
  }

  close(number) {
    this.#clients.delete(number);
    this.ask('close', number, () => {});
  }

  /** Calls a Go operation that settles later, and returns its id for cancel. */
  ask(operation, number, settle, ...args) {
    const id = ++this.#ids;
    if (this.#dead) {
      queueMicrotask(() => settle('gateway', new Uint8Array(0), 'the module has ended'));
      return id;
    }
    this.#waiting.set(id, settle);
    this.#enter(operation, number, id, ...args);
    return id;
  }

  /** Returns an id for a call without an answer. */
  next() {
    return ++this.#ids;
  }

  /** Calls a Go operation that has no answer. */
  tell(operation, number, id, ...args) {
    if (!this.#dead) this.#enter(operation, number, id, ...args);
  }

  /** Reports a message of unknown type from a server that speaks only lmz. */
  #unknown(client, message) {
    queueMicrotask(() => this.#clients.get(client)?.handler.unknown(message));
  }

  #enter(...args) {
    return this.border.enter(...args);
  }

  #flush() {
    const events = this.#queue;
    this.#queue = [];
    for (const e of events) isolated(() => this.#handle(e));
  }

  #handle({ event, client, id, first, second, bytes, split }) {
    if (event === 'settle' || (event === 'bug' && this.#waiting.has(id))) {
      const settle = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (event === 'bug') settle?.('unknown', bytes, `a bug of lmz: ${first}`);
      else settle?.(first, bytes, second);
      return;
    }
    const handler = this.#clients.get(client)?.handler;
    switch (event) {
      case 'incoming': return handler?.incoming(id, bytes.subarray(0, split), bytes.subarray(split));
      case 'token': return handler?.token(id, first);
      case 'state': return handler?.state(first, second);
      case 'subscribe': return handler?.subscribe(id);
      case 'superseded': return handler?.superseded();
      case 'missed': return handler?.missed(id, first, second);
      case 'sent': return handler?.sent(id, first);
      case 'loginRequired': return handler?.loginRequired(id, first);
      case 'connectionError': return handler?.connectionError(first);
      case 'bug':
        if (!handler) throw new Error(`a bug of lmz: ${first}`);
        return handler.connectionError(`a bug of lmz: ${first}`);
    }
  }

  /** Handles the end of the Go program, which never ends normally. */
  died(error) {
    this.#dead = true;
    running = undefined;
    this.#flush();
    for (const settle of this.#waiting.values()) settle('unknown', new Uint8Array(0), 'the module has ended; the call may have run');
    this.#waiting.clear();
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    for (const { handler, socket } of clients) {
      attempt(() => socket?.close()); // nothing reads from it any more
      isolated(() => handler.died(error));
    }
  }
}
