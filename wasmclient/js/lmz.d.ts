// lmz for JavaScript: a node of the mesh in a browser tab, a Worker or Node.

/** Loads the module, once for all clients; clients do it by themselves. After a failure it may be called again. */
export function load(source?: string | URL | Response | BufferSource | PromiseLike<Response>): Promise<unknown>;

/** Work for another node: what its value will be there is T. It is immutable. */
export interface Continuation<T = unknown> {
  readonly $type?: T;
}

type Sendable<A extends unknown[]> = { [I in keyof A]: A[I] | Continuation<A[I]> | typeof Result };

/** Arguments as they are sent. The last one may be left out: a reply gets its outcome there. */
type Arguments<A extends unknown[]> = Sendable<A> | (A extends [...infer Rest, unknown] ? Sendable<Rest> : never);

/** What can be described of a node of type T: its methods. Of any it is everything. */
export type Continuations<T> = 0 extends 1 & T ? any : {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: Arguments<A>) => Continuations<Awaited<R>> & Continuation<Awaited<R>> : never;
};

/** Describes work: ctn<DocumentDO>().update(text). With $result it is a placeholder for a call's outcome. */
export function ctn<T = any>(): Continuations<T> & { readonly $result: typeof Result };

declare const outcome: unique symbol;

/** Stands, in a reply continuation, for the outcome of the call. */
export const Result: { readonly [outcome]: true };

/** Exposes a function: other nodes may call the property of the client that holds it. The guard refuses by throwing. */
export function meshFn<F extends (...args: any[]) => unknown>(fn: F, guard?: Guard): F;

/** The same as a decorator, standard or experimental: @mesh() or @mesh(guard). */
export function mesh<T = any>(guard?: Guard<T>): MeshDecorator;

export interface MeshDecorator {
  <F extends (...args: any[]) => unknown>(fn: F, context?: ClassMethodDecoratorContext): F;
  (target: object, name: string | symbol, descriptor: PropertyDescriptor): PropertyDescriptor;
}

/** Runs before an exposed method, with the node and the request; refuses by throwing, or by a promise that is rejected. */
export type Guard<T = any> = (node: T, request: { method: string; args: unknown[] }) => unknown;

/** Has errors of the mesh that are called after type, or name, become instances of it. */
export function registerError(type: new (...args: any[]) => Error, name?: string): void;

export type ConnectionState = 'disconnected' | 'connecting' | 'connected' | 'reconnecting';

/** Who failed. Not executed: guard, absent, gateway. unknown: it may have run. */
export type LmzCode = 'callee' | 'guard' | 'absent' | 'gateway' | 'unknown';

/** What a failed call is rejected with: an Error of the class that the callee threw. */
export interface MeshError extends Error {
  /** Who failed. */
  readonly lmzCode: LmzCode;
  /** The error's own code, or lmzCode where it has none. */
  readonly code: unknown;
}

/** The user must sign in. code is an HTTP status or a close code. */
export class LoginRequiredError extends Error {
  constructor(message: string, code: number, reason: string);
  readonly code: number;
  readonly reason: string;
}

/** A client's session has ended. */
export class ClientDisconnectedError extends Error {
  readonly clientInstanceName: string;
}

export interface NodeIdentity {
  readonly type: 'LumenizeDO' | 'LumenizeWorker' | 'LumenizeClient';
  readonly bindingName: string;
  readonly instanceName?: string;
}

/** What travels with a call. Only the gateway says who the origin is. */
export interface CallContext {
  /** Origin, hop 1, ..., caller. */
  readonly callChain: readonly NodeIdentity[];
  readonly originAuth?: { readonly sub: string; readonly claims?: Readonly<Record<string, any>> };
  /** Set by trusted nodes on the way. What this node changes in it goes with the calls that it makes. */
  readonly state: Record<string, any>;
  /** Set by the client at the origin: do not rely on it. */
  readonly clientState: Readonly<Record<string, any>>;
}

export interface Callbacks {
  onConnectionStateChange?(state: ConnectionState): void;
  /** Subscribe here: nodes do not know this session yet. Other calls wait for the promise, at most 10 s. */
  onSubscriptionRequired?(): void | Promise<void>;
  /**
   * This client took calls too slowly, or was away for too long, and so many calls without reply of one node were
   * therefore dropped: ask that node for its state, or subscribe to it again. Calls of that node that come after begin
   * later. Without it the session ends instead, and onSubscriptionRequired runs. Define it before connecting.
   */
  onMissed?(from: { readonly bindingName: string; readonly instanceName?: string }, calls: number): void | Promise<void>;
  onLoginRequired?(error: LoginRequiredError): void;
  /** A newer client has taken this address. This one stops; connect() takes the address back. */
  onSuperseded?(): void;
  /** An attempt to connect failed, although more follow. */
  onConnectionError?(error: Error): void;
}

export interface Config extends Callbacks {
  /** The gateway's origin. Default: the page's. */
  baseUrl?: string;
  /** "{sub}.{tab}"; only the tab counts, the gateway knows who you are. */
  instanceName?: string;
  /** The second half of the instance name. Default: kept in sessionStorage as lmz_tab. */
  tab?: string;
  /** Default: LUMENIZE_CLIENT_GATEWAY. */
  gatewayBindingName?: string;
  /** A first access token. */
  accessToken?: string;
  /** Where access tokens come from. A function throws LoginRequiredError to end the attempts; expires_in is in seconds, and else the token's exp - iat. Default: /auth/refresh-token. */
  refresh?: string | (() => Promise<{ access_token: string; expires_in?: number }>);
  /** lmz.wasm, as for load. */
  wasm?: Parameters<typeof load>[0];
  /** How often a quiet connection is checked. Default: as the gateway says; 0 or less: never. */
  heartbeatIntervalMs?: number;
  /** Where the platform has none, as in Node.js 20: the class of package ws, for instance. Its on* properties are used, not addEventListener. */
  WebSocket?: new (url: string, protocols: string[]) => unknown;
  fetch?: typeof globalThis.fetch;
  sessionStorage?: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  BroadcastChannel?: new (name: string) => { postMessage(message: any): void; close(): void; onmessage: any };
}

export interface CallOptions {
  signal?: AbortSignal;
  /** Default: 30 s. */
  timeoutMs?: number;
  /** Goes with the call, as this client's word: {@link CallContext.clientState} of whoever is called. */
  state?: Record<string, any>;
  /** The call carries no state of the call that is being handled. */
  newChain?: boolean;
  /** Is told the id that the call has in the gateway's log, when it is sent. */
  onSent?(callId: string): void;
}

/** The calling half of a client. */
export interface Lmz {
  readonly type: 'LumenizeClient';
  readonly bindingName: string;
  /** Throws before the client was connected. */
  readonly instanceName: string;
  /** Of the call that is being handled; throws elsewhere. Read it before the first await. */
  readonly callContext: CallContext;
  /** Calls a node and returns a promise of its result. Workers have no instance: undefined. */
  callRaw<R>(binding: string, instance: string | undefined, continuation: Continuation<R>, options?: CallOptions): Promise<R>;
  /** Calls a node and returns at once. The handler is run with the result, or the Error, in place of $result. */
  call(binding: string, instance: string | undefined, continuation: Continuation<any>, handler?: Continuation<any>, options?: CallOptions & {
    /** The handler runs only with errors. */
    onErrorOnly?: boolean;
  }): void;
}

/**
 * A node in a browser tab or a JavaScript program. Extend it. Constructing it never
 * waits: it connects by itself, and calls made meanwhile go out in order. Callbacks
 * may be methods, fields or options.
 */
export class LumenizeClient implements Disposable {
  constructor(config?: Config);
  readonly lmz: Lmz;
  readonly connectionState: ConnectionState;
  /** Of the access token, not verified; null before there was one. */
  readonly claims: Readonly<Record<string, any>> | null;
  /** Work for another node, ctn<DocumentDO>(), or for this one, as a handler of {@link Lmz.call}. */
  ctn<T = this>(): Continuations<T> & { readonly $result: typeof Result };
  /** Runs before every incoming call; throws to refuse it. The default refuses what another client started. */
  onBeforeCall(request: { method: string; args: unknown[]; callContext: CallContext }): void | Promise<void>;
  /** Connects, or tries again at once. Rejected when the user must sign in. */
  connect(): Promise<void>;
  /** Ends the session: calls under way are rejected. */
  disconnect(): void;
  /** Forgets the token: the next connection asks for one. */
  clearAccessToken(): void;
  /** fetch with the access token; once more with another one if the answer is 401. */
  protected authedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** A server that speaks only the original's protocol sent a message that this client does not know. */
  onUnknownMessage(message: unknown): void;
  [Symbol.dispose](): void;
}
export interface LumenizeClient extends Callbacks {}

/** A fetch request and response as values. */
export class RequestSync {
  constructor(members: { url: string; method: string; headers: Headers; body: unknown });
  url: string;
  method: string;
  headers: Headers;
  body: unknown;
}
export class ResponseSync {
  constructor(members: { status: number; statusText: string; headers: Headers; body: unknown });
  status: number;
  statusText: string;
  headers: Headers;
  body: unknown;
}

/** The value codec: CBOR with the registered tags of PROTOCOL.md. */
export function encode(value: unknown): Uint8Array;
export function decode(bytes: Uint8Array): unknown;
