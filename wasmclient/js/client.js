// The client for JavaScript programs.

import { load } from './border.js';
import { decode, encode, encodeChain, encodeError } from './cbor.js';
import { toOperations } from './chains.js';
import { ctn, execute, operations } from './continuation.js';
import { Door } from './door.js';
import { LoginRequiredError, Refusal, failure, withCode } from './errors.js';
import { checkCall } from './options.js';
import { Tab } from './tab.js';
import { maxPayload } from './tags.js';
import { Tokens } from './token.js';
import { watch } from './wake.js';

const maxTimeout = 2 ** 31 - 1; // milliseconds, the limit of setTimeout
const retryCeiling = 30_000; // milliseconds between attempts to load the module
const queueLimit = 100; // calls waiting for the module; as for the connection (client.Options)

// Messages that programs for the original's client look for.
const disconnected = 'Client disconnected', queueFull = 'Message queue full';

/**
 * A node in a browser tab or a JavaScript program. Extend it, expose methods with
 * mesh or meshFn, and call other nodes with this.lmz. It connects in the background,
 * and calls made meanwhile are sent in order.
 *
 * Callbacks are looked up when they are due, in the configuration and then on the
 * object, so they may be methods, class fields or options.
 */
export class LumenizeClient {
  #config;
  #tokens;
  #state = 'disconnected';
  #instance = '';
  #wanted = false; // connect was called after the last disconnect
  #life = 0; // counts connects and disconnects, to detect that one was overtaken
  #ends = 0; // counts disconnects
  #module;
  #number = 0; // of this client in the module; 0 before it is open
  #opening;
  #firstToken; // promise, requested while the module loads
  #outbox = []; // calls made before the client is open
  #sent = new Map(); // by call: the onSent callback
  #line = Promise.resolve(); // begins incoming calls in order
  #context; // of the call whose method or guard is running
  #tab = new Tab();
  #unwatch;
  #away = false; // the page entered the back/forward cache and has not been connected since

  constructor(config = {}) {
    if (!(config.WebSocket ?? globalThis.WebSocket)) {
      throw new Error('WebSocket is not available. In Node.js, provide WebSocket in config.');
    }
    this.#config = config;
    this.#instance = config.instanceName ?? '';
    this.#tokens = new Tokens(config.accessToken);
    this.lmz = new Door(this, {
      binding: config.gatewayBindingName ?? 'LUMENIZE_CLIENT_GATEWAY',
      instance: () => this.#instance,
      context: () => this.#context,
      within: (context) => (f) => this.#within(context, f),
      call: (...args) => this.#call(...args),
    });
    this.#state = 'connecting';
    queueMicrotask(() => { // subclass fields are set by then
      if (this.#life !== 0) return;
      this.#callback('onConnectionStateChange', 'connecting');
      if (this.#life === 0) this.connect();
    });
  }

  /** disconnected, connecting, connected or reconnecting. */
  get connectionState() {
    return this.#state;
  }

  /** The claims of the access token, or null before the first one. */
  get claims() {
    return this.#tokens.claims;
  }

  /** Starts a continuation for another node; the type parameter is that node's type. */
  ctn() {
    return ctn();
  }

  /** Refuses calls that another client started. Override it to allow them. */
  onBeforeCall({ callContext } = this.lmz) {
    const origin = callContext.callChain[0];
    if (origin?.type === 'LumenizeClient' && origin.instanceName !== this.#instance) {
      throw new Error('Peer-to-peer client calls are disabled by default. Override onBeforeCall() to allow them.');
    }
  }

  /** Receives messages of unknown type from a server that speaks only lmz. */
  onUnknownMessage() {}

  /**
   * Connects, or retries at once. Waiting for the promise is optional: it is rejected
   * when the user must sign in or the client is disconnected.
   */
  connect() {
    const connected = this.#connect();
    connected.catch(() => {}); // the callbacks report it too
    return connected;
  }

  async #connect() {
    if (!this.#wanted) {
      this.#wanted = true;
      this.#life++;
    }
    this.#unwatch ??= watch(() => this.#tell('probe'), () => this.#suspend());
    await this.#open();
    if (!this.#number) throw failure(disconnected, 'gateway'); // disconnected meanwhile
    await new Promise((resolve, reject) => {
      this.#module.ask('connect', this.#number, (failed, _, message) => {
        if (failed) reject(failure(message || 'disconnected', failed));
        else resolve();
      });
    });
  }

  /** Ends the session: pending calls are rejected. connect starts a new one. */
  disconnect() {
    this.#wanted = false;
    this.#life++;
    this.#ends++;
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#tab.release();
    if (this.#number) this.#module.close(this.#number);
    this.#number = 0;
    this.#opening = this.#firstToken = undefined;
    for (const { settle } of this.#outbox.splice(0)) settle('gateway');
    this.#become('disconnected');
  }

  /** Forgets the token. The next connection requests one. */
  clearAccessToken() {
    this.#tokens.clear();
  }

  /** Fetches with the access token. If the status is 401, retries once with another one. */
  async authedFetch(input, init = {}) {
    const { fetch, refresh } = this.#source();
    const send = (token) => {
      const request = input instanceof Request ? input.clone() : input; // a body can be read only once
      const headers = new Headers(init.headers ?? request.headers);
      headers.set('Authorization', `Bearer ${token}`);
      return fetch(request, { ...init, headers });
    };
    const token = await this.#tokens.get(refresh, fetch);
    const response = await send(token);
    return response.status === 401 ? send(await this.#tokens.get(refresh, fetch, token)) : response;
  }

  /** Returns the source of tokens. */
  #source() {
    const { fetch = (...args) => globalThis.fetch(...args), refresh = '/auth/refresh-token' } = this.#config;
    return { fetch, refresh };
  }

  #suspend() {
    this.#away = true;
    this.#tell('suspend');
  }

  /** Reconnects if the next page of this tab had the address, else reports that it is lost. */
  #superseded() {
    if (this.#away) this.connect();
    else this.#callback('onSuperseded');
  }

  #tell(operation) {
    if (this.#number) this.#module.tell(operation, this.#number, 0);
  }

  /** Runs a callback. The configuration's takes precedence: the original has no other. */
  #callback(name, ...args) {
    return (this.#config[name] ?? this[name])?.apply(this, args);
  }

  #become(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.#callback('onConnectionStateChange', state);
  }

  /** Loads the module and opens this client in it, once per session. */
  #open() {
    this.#opening ??= this.#opened(this.#life);
    return this.#opening;
  }

  async #opened(life) {
    if (this.#state === 'disconnected') this.#become('connecting');
    const { fetch, refresh } = this.#source();
    this.#firstToken = this.#tokens.get(refresh, fetch);
    this.#firstToken.catch(() => {}); // the module is told
    const [module, tab] = await Promise.all([this.#loaded(life), this.#tabID()]);
    if (life !== this.#life) throw failure(disconnected, 'gateway');
    this.#module = module;
    const { baseUrl, heartbeatIntervalMs: ms, WebSocket = globalThis.WebSocket } = this.#config;
    const url = baseUrl ?? globalThis.location?.origin;
    try {
      if (!url) throw new TypeError('LumenizeClient requires baseUrl in Node.js environments');
      this.#number = module.open(this.#handler(life), {
        url, binding: this.lmz.bindingName, tab,
        heartbeat: ms === undefined ? 0 : ms > 0 ? ms : -1, WebSocket,
        missed: typeof (this.#config.onMissed ?? this.onMissed) === 'function', instance: this.#config.instanceName ?? '',
      });
    } catch (error) { // the configuration is invalid
      this.disconnect();
      this.#callback('onConnectionError', error);
      throw error;
    }
    for (const call of this.#outbox.splice(0)) this.#ask(call);
  }

  async #loaded(life) {
    for (let wait = 500; ; wait = Math.min(2 * wait, retryCeiling)) {
      try {
        return await load(this.#config.wasm);
      } catch (error) {
        if (life !== this.#life) throw error;
        this.#firstToken = undefined; // it may have failed for the same reason
        this.#callback('onConnectionError', error);
        this.#become('reconnecting');
        await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
        if (life !== this.#life) throw error;
      }
    }
  }

  async #tabID() {
    const { instanceName, tab, sessionStorage = storage(), BroadcastChannel = globalThis.BroadcastChannel } = this.#config;
    if (instanceName) return instanceName.slice(instanceName.indexOf('.') + 1);
    return tab ?? this.#tab.take({ sessionStorage, BroadcastChannel });
  }

  /** Returns the handlers of the module's events, which ignore them once this life is over. */
  #handler(life) {
    const alive = (f) => (...args) => (life === this.#life ? f(...args) : undefined);
    return {
      state: alive((state, instance) => {
        this.#instance = instance || this.#instance;
        if (state === 'connected') this.#away = false;
        if (state === 'connecting' && this.#state === 'reconnecting') return; // the module counts it as its first attempt
        this.#become(state);
      }),
      token: alive((id, refused) => this.#token(id, refused)),
      subscribe: alive((id) => this.#subscribe(id)),
      incoming: alive((id, context, chain) => this.#incoming(id, context, chain)),
      missed: alive((calls, bindingName, instanceName) => this.#missed(calls, bindingName, instanceName)),
      unknown: alive((message) => this.#callback('onUnknownMessage', message)),
      sent: alive((id, callID) => {
        this.#sent.get(id)?.(callID);
        this.#sent.delete(id);
      }),
      superseded: alive(() => this.#superseded()),
      loginRequired: alive((code, reason) => {
        this.#callback('onLoginRequired', new LoginRequiredError(reason || 'Login required', code, reason));
      }),
      connectionError: alive((message) => this.#callback('onConnectionError', new Error(message))),
      died: alive((error) => {
        this.#number = 0;
        this.#opening = undefined;
        this.#sent.clear();
        const again = ++this.#life; // a new module is a new session
        setTimeout(() => {
          if (again === this.#life) this.connect();
        }, 1000);
        this.#become('reconnecting');
        this.#callback('onConnectionError', error ?? new Error('the module has ended'));
      }),
    };
  }

  async #token(id, refused) {
    const { fetch, refresh } = this.#source();
    const number = this.#number, first = refused ? undefined : this.#firstToken;
    this.#firstToken = undefined;
    let token = '', message = '', status = 0;
    try {
      token = await (first ?? this.#tokens.get(refresh, fetch, refused, this.#state === 'connected'));
    } catch (error) {
      message = (error instanceof LoginRequiredError && error.reason) || error?.message || String(error);
      if (error?.name === 'LoginRequiredError') status = error.code === 403 ? 403 : 401;
    }
    this.#module.tell('token', number, id, token, message, status, this.#tokens.left ?? -1);
  }

  async #subscribe(id) {
    const number = this.#number;
    try {
      await this.#told('onSubscriptionRequired');
    } finally {
      this.#module.tell('subscribed', number, id);
    }
  }

  /** Runs a callback that may fail or return a promise. */
  async #told(name, ...args) {
    try {
      await this.#callback(name, ...args);
    } catch (error) {
      this.#callback('onConnectionError', error);
    }
  }

  /** Runs onMissed once the earlier calls have begun. */
  #missed(calls, bindingName, instanceName) {
    const from = { bindingName, instanceName: instanceName || undefined };
    this.#line = this.#line.then(() => { // its promise is not awaited: it may depend on calls
      this.#told('onMissed', from, calls);
    });
  }

  #call(binding, instance, continuation, { signal, timeoutMs = 0, wanted = true, state, newChain, onSent } = {}) {
    return new Promise((resolve, reject) => {
      checkCall(binding, instance ?? '', timeoutMs, state);
      const chain = encodeChain(Array.isArray(continuation) ? toOperations(continuation) : operations(continuation), maxPayload);
      const context = this.#claim(newChain ? undefined : this.#context, state);
      const ends = this.#ends;
      if (signal?.aborted) throw signal.reason;
      if (!this.#wanted && this.#life > 0) throw failure(disconnected, 'gateway');
      const settle = (failed, payload, message) => {
        signal?.removeEventListener('abort', abort);
        this.#sent.delete(call.id);
        if (signal?.aborted) return reject(signal.reason);
        try {
          if (!failed) return resolve(decode(payload));
          const ended = ends !== this.#ends && (failed === 'gateway' || failed === 'unknown');
          reject(ended ? failure(disconnected, failed) : failureOf(failed, payload, message));
        } catch (error) {
          reject(failure(`the answer cannot be read: ${error.message}`, 'unknown', { cause: error }));
        }
      };
      const call = { settle, onSent, wanted, args: [binding, instance ?? '', context, chain, Math.min(Math.ceil(timeoutMs), maxTimeout), wanted, onSent !== undefined] };
      const abort = () => {
        reject(signal.reason);
        if (call.id) this.#module.tell('cancel', this.#number, call.id);
        else this.#outbox = this.#outbox.filter((c) => c !== call);
      };
      signal?.addEventListener('abort', abort);
      this.#ask(call);
      if (!wanted) resolve(undefined);
    });
  }

  /** Returns the context of a call: its state, which the gateway marks as set by the client. */
  #claim(context, state) {
    const all = { ...context?.clientState, ...context?.state, ...state };
    return Object.keys(all).length > 0 ? encode({ state: all }, maxPayload) : undefined;
  }

  #ask(call) {
    if (!this.#number) {
      if (this.#outbox.length < queueLimit) this.#outbox.push(call);
      else call.settle('gateway', undefined, queueFull);
      return;
    }
    const { wanted, onSent, settle, args } = call;
    if (wanted) {
      call.id = this.#module.ask('call', this.#number, settle, ...args);
    } else {
      call.id = this.#module.next();
      this.#module.tell('call', this.#number, call.id, ...args);
    }
    if (onSent) this.#sent.set(call.id, onSent); // the event comes later
  }

  /** Begins an incoming call once the earlier ones have begun, and answers it. */
  async #incoming(id, contextBytes, chainBytes) {
    const number = this.#number;
    const before = this.#line;
    let started;
    this.#line = new Promise((resolve) => { started = resolve; });
    await before;
    let failed = '', payload;
    try {
      const callContext = readContext(decode(contextBytes));
      const ops = decode(chainBytes);
      const run = (f) => this.#within(callContext, f);
      await this.#guard(run, callContext, ops);
      payload = encode(await execute(this, ops, run, started), maxPayload);
    } catch (error) {
      failed = error instanceof Refusal ? error.lmzCode : 'callee';
      payload = encodeError(error instanceof Refusal ? error.error : error, maxPayload);
    } finally {
      started();
    }
    this.#module.tell('answer', number, id, failed, payload);
  }

  async #guard(run, callContext, ops) {
    const request = { method: typeof ops?.[0] === 'string' ? ops[0] : '', args: Array.isArray(ops?.[1]) ? ops[1] : [], callContext };
    try {
      await run(() => this.onBeforeCall(request));
    } catch (error) {
      throw new Refusal('guard', error);
    }
  }

  /** Runs f with this.lmz.callContext set, until its first await. */
  #within(callContext, f) {
    const outer = this.#context;
    this.#context = callContext;
    try {
      return f();
    } finally {
      this.#context = outer;
    }
  }
}

if (Symbol.dispose) LumenizeClient.prototype[Symbol.dispose] = function dispose() { this.disconnect(); };

/** sessionStorage throws where cookies are blocked. */
function storage() {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}

function readContext({ chain = [], auth, state = {}, clientState = {} }) {
  return {
    callChain: chain.map(([type, bindingName, instanceName]) => ({ type, bindingName, instanceName })),
    originAuth: auth,
    state,
    clientState,
  };
}

/** Returns the error that a failed call is rejected with. */
function failureOf(failed, payload, message) {
  if (!payload?.length) return failure(message || 'not sent', failed);
  const error = withCode(decode(payload), failed);
  const full = failed === 'gateway' && error.name === 'QueueFullError';
  return full ? Object.assign(failure(queueFull, failed, { cause: error }), { name: error.name }) : error;
}
