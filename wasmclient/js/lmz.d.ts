// lmz for JavaScript: a node of the mesh in a browser tab, a Worker or Node.

/** Loads the module, once for all clients; clients do it by themselves. After a failure it may be called again. */
export function load(source?: string | URL | Response | BufferSource | PromiseLike<Response>): Promise<unknown>;

/** Work for another node: what its value will be there is T. It is immutable. */
export interface Continuation<T = unknown> {
  readonly $type?: T;
}

type Sendable<A extends unknown[]> = { [I in keyof A]: A[I] | Continuation<A[I]> | typeof Result };

/** What can be described of a node of type T: its methods. */
export type Continuations<T> = {
  [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]:
    T[K] extends (...args: infer A) => infer R ? (...args: Sendable<A>) => Continuations<Awaited<R>> & Continuation<Awaited<R>> : never;
};

/** Describes work: ctn<DocumentDO>().update(text). With $result it is a placeholder for a call's outcome. */
export function ctn<T = any>(): Continuations<T> & { readonly $result: typeof Result };

/** Stands, in a reply continuation, for the outcome of the call. */
export const Result: { readonly [Symbol.toStringTag]: 'Result' };

/** Exposes a function: other nodes may call the property of the client that holds it. The guard refuses by throwing. */
export function meshFn<F extends (...args: any[]) => unknown>(fn: F, guard?: Guard): F;

/** The same as a decorator: @mesh() or @mesh(guard). */
export function mesh(guard?: Guard): <F extends (...args: any[]) => unknown>(fn: F, context?: unknown) => F;

export type Guard = (node: any, request: { method: string; args: unknown[] }) => unknown;

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
  readonly originAuth?: { readonly sub: string; readonly claims?: Readonly<Record<string, unknown>> };
  /** Set by trusted nodes on the way. */
  readonly state: Readonly<Record<string, unknown>>;
  /** Set by the client at the origin: do not rely on it. */
  readonly clientState: Readonly<Record<string, unknown>>;
}

export interface Callbacks {
  onConnectionStateChange?(state: ConnectionState): void;
  /** Subscribe here: nodes do not know this session yet. Other calls wait for the promise, at most 10 s. */
  onSubscriptionRequired?(): void | Promise<void>;
  onLoginRequired?(error: LoginRequiredError): void;
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
  /** Where access tokens come from. A function throws LoginRequiredError to end the attempts. Default: /auth/refresh-token. */
  refresh?: string | (() => Promise<{ access_token: string }>);
  /** lmz.wasm, as for load. */
  wasm?: Parameters<typeof load>[0];
  WebSocket?: unknown;
  fetch?: typeof globalThis.fetch;
  sessionStorage?: Pick<Storage, 'getItem' | 'setItem'>;
  BroadcastChannel?: typeof globalThis.BroadcastChannel;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** Default: 30 s. */
  timeoutMs?: number;
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
  call(binding: string, instance: string | undefined, continuation: Continuation<any>, handler?: Continuation<any>, options?: CallOptions): void;
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
  ctn<T = any>(): Continuations<T> & { readonly $result: typeof Result };
  /** Runs before every incoming call; throws to refuse it. The default refuses what another client started. */
  onBeforeCall(request: { method: string; args: unknown[]; callContext: CallContext }): void | Promise<void>;
  /** Connects, or tries again at once. Rejected when the user must sign in. */
  connect(): Promise<void>;
  /** Ends the session: calls under way are rejected. */
  disconnect(): void;
  clearAccessToken(): void;
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
