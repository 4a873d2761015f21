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

/** An operation of a chain in the original's form. */
export type Operation = { type: 'get'; key: string | number } | { type: 'apply'; args: any[] };

/** What a continuation says, to be kept, looked at, or done by {@link executeOperationChain}. Nested work among arguments is a {@link NestedOperationMarker}. */
export type OperationChain = Operation[];

export interface NestedOperationMarker {
  readonly __isNestedOperation: true;
  readonly __operationChain: OperationChain;
}

/** The original's name of {@link Continuations}. */
export type ClientContinuation<T> = Continuations<T>;

/** The same as {@link ctn}. */
export function newContinuation<T = any>(): Continuations<T> & { readonly $result: typeof Result };
export function continuationFromChain<T = any>(chain: readonly Operation[]): Continuation<T>;
/** Undefined for what is no continuation. */
export function getOperationChain(continuation: unknown): OperationChain | undefined;
export function isNestedOperationMarker(value: unknown): value is NestedOperationMarker;
/** The chain with outcome in place of the nested work among its last arguments, or after them. */
export function replaceNestedOperationMarkers(chain: readonly Operation[], outcome: unknown): OperationChain;

export interface ChainLimits {
  /** Operations of one chain. Default: 50. */
  maxDepth?: number;
  /** Arguments of one call. Default: 100. */
  maxArgs?: number;
}

/** Throws unless chain is one and within the limits. */
export function validateOperationChain(chain: unknown, limits?: ChainLimits): void;
/** Runs a chain on target. Every method must be exposed, unless requireMeshDecorator is false: the chain may read properties then, too. */
export function executeOperationChain(chain: readonly Operation[], target: any, options?: ChainLimits & { requireMeshDecorator?: boolean }): Promise<any>;

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

export type MeshGuard<T = any> = Guard<T>;

/** An object's class with what it protects, for continuations of programs that were written so. Nodes of ours let nobody read it. */
export type Unprotected<T> = T & { readonly ctx: any; readonly env: any };

/** What an exposed function has, and what holds its guard. */
export const MESH_CALLABLE: unique symbol;
export const MESH_GUARD: unique symbol;
export function isMeshCallable(fn: unknown): boolean;
export function getMeshGuard(fn: unknown): Guard | undefined;

/**
 * Has errors of the mesh that are called after type, or name, become instances of it. Classes that
 * the global object has need not be registered.
 */
export function registerError(type: new (...args: any[]) => Error, name?: string): void;

export type ConnectionState = 'disconnected' | 'connecting' | 'connected' | 'reconnecting';

/** Who failed. Not executed: guard, absent, gateway. unknown: it may have run. */
export type LmzCode = 'callee' | 'guard' | 'absent' | 'gateway' | 'unknown';

/** What a failed call is rejected with: an Error of the class that the callee threw. */
export interface MeshError extends Error {
  /** Who failed. */
  readonly lmzCode: LmzCode;
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

export type NodeType = 'LumenizeDO' | 'LumenizeWorker' | 'LumenizeClient';

export interface NodeIdentity {
  readonly type: NodeType;
  readonly bindingName: string;
  readonly instanceName?: string;
}

/** On whose behalf a call is made, as the gateway knows it. */
export interface OriginAuth {
  readonly sub: string;
  readonly claims?: Readonly<Record<string, any>>;
}

/** What travels with a call. Only the gateway says who the origin is. */
export interface CallContext {
  /** Origin, hop 1, ..., caller. */
  readonly callChain: readonly NodeIdentity[];
  readonly originAuth?: OriginAuth;
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

/** What a client is made with. Its callbacks win over methods and fields of the same name. */
export interface LumenizeClientConfig extends Callbacks {
  /** The gateway's origin. Default: the page's. */
  baseUrl?: string;
  /**
   * "{sub}.{tab}"; of a JWT's name only the tab counts, the gateway knows who you are. Until the client is connected, this is
   * its name. An opaque token needs it only where the server speaks nothing but lmz.
   */
  instanceName?: string;
  /** The second half of the instance name. Default: kept in sessionStorage as lmz_tab. */
  tab?: string;
  /** Default: LUMENIZE_CLIENT_GATEWAY. */
  gatewayBindingName?: string;
  /** A first access token. */
  accessToken?: string;
  /** Where access tokens come from, JWTs or opaque ones. A function throws LoginRequiredError to end the attempts; expires_in is in seconds, and else the token's exp - iat. Default: /auth/refresh-token. */
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
export type Config = LumenizeClientConfig;

/** What a tab id is kept and compared with. Without both it is a new one each time. */
export type TabIdDeps = Pick<LumenizeClientConfig, 'sessionStorage' | 'BroadcastChannel'>;

/** 8 hexadecimal digits that no other tab has; the same ones after a reload. Clients do this by themselves. */
export function getOrCreateTabId(platform?: TabIdDeps): Promise<string>;

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
  /** Throws before the client was connected, unless it is configured. */
  readonly instanceName: string;
  /** Of the call that is being handled; throws elsewhere. Read it before the first await. */
  readonly callContext: CallContext;
  /** Calls a node and returns a promise of its result. Workers have no instance: undefined. */
  callRaw<R>(binding: string, instance: string | undefined, continuation: Continuation<R>, options?: CallOptions): Promise<R>;
  callRaw(binding: string, instance: string | undefined, chain: readonly Operation[], options?: CallOptions): Promise<any>;
  /** Calls a node and returns at once. The handler is run with the result, or the Error, in place of $result. */
  call(binding: string, instance: string | undefined, continuation: Continuation<any>, handler?: Continuation<any>, options?: CallOptions & {
    /** The handler runs only with errors. */
    onErrorOnly?: boolean;
  }): void;
}

export type LmzApiClient = Lmz;

/**
 * A node in a browser tab or a JavaScript program. Extend it. Constructing it never
 * waits: it connects by itself, and calls made meanwhile go out in order. Callbacks
 * may be methods, fields or options. Claims is what the access token says.
 */
export class LumenizeClient<Claims extends object = Record<string, any>> implements Disposable {
  constructor(config?: LumenizeClientConfig);
  readonly lmz: Lmz;
  readonly connectionState: ConnectionState;
  /** Of the access token, not verified; null before there was one. */
  readonly claims: Readonly<Claims> | null;
  /** Work for another node, ctn<DocumentDO>(), or for this one, as a handler of {@link Lmz.call}. */
  ctn<T = this>(): Continuations<T> & { readonly $result: typeof Result };
  /** Runs before every incoming call; throws to refuse it. The default refuses what another client started. */
  onBeforeCall(request?: { method: string; args: unknown[]; callContext: CallContext }): void | Promise<void>;
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
export interface LumenizeClient<Claims extends object = Record<string, any>> extends Callbacks {}

interface MessageSync {
  headers: Headers;
  /** null, text, bytes, or a value for JSON. */
  body: unknown;
  json(): any;
  text(): string;
  arrayBuffer(): ArrayBuffer;
  blob(): Blob;
  /** Throws: a form cannot be read at once. */
  formData(): never;
  /** A copy with the same body. */
  clone(): this;
}

/** A fetch request as a value: its body is there. Its credentials do not travel. */
export class RequestSync {
  constructor(input: string | URL | Request | Partial<RequestSync> & { url: string }, init?: { method?: string; headers?: HeadersInit; body?: unknown; credentials?: RequestCredentials });
  url: string;
  method: string;
  /** Default: same-origin. */
  credentials: RequestCredentials;
  toRequest(): Request;
}
export interface RequestSync extends MessageSync {}

/** A fetch response as a value: its body is there. */
export class ResponseSync {
  constructor(body?: unknown, init?: { status?: number; statusText?: string; headers?: HeadersInit });
  /** Reads a response: JSON and text by its content type, everything else as bytes. */
  static fromResponse(response: Response): Promise<ResponseSync>;
  status: number;
  statusText: string;
  readonly ok: boolean;
  toResponse(): Response;
}
export interface ResponseSync extends MessageSync {}

/**
 * The value codec: CBOR with the registered tags of PROTOCOL.md. Arguments, results and state go through it too. A value comes
 * back as it was, or encode throws a TypeError with the path to what cannot be sent and what to send instead; see "Kept or
 * refused" there. Kept: plain objects, arrays, Map, Set, Date, RegExp, URL, Headers, errors with all their members, bigint,
 * ArrayBuffer, typed arrays, DataView, boxed primitives, shared and cyclic references, of any realm. Of an instance of a class of
 * yours its own properties are sent. Refused: functions, symbols, promises, Blob, File, FormData, URLSearchParams, streams,
 * iterators, classes with private fields, holes in arrays, invalid dates, half of a surrogate pair.
 */
export function encode(value: unknown): Uint8Array;
export function decode(bytes: Uint8Array): unknown;

/** JSON, RFC 7396: target with a patch applied, or a copy of it if patch is undefined. */
export function mergePatch(target: unknown, patch: unknown): any;
/** The patch that makes after of before; undefined if they are equal. It cannot set a member to null: that deletes the member. */
export function mergeDiff(before: unknown, after: unknown): any;

/** A logger; which namespaces and levels it writes says the key DEBUG of localStorage, or of the environment. Errors always are. */
export function debug(namespace: string): DebugLogger;
export type DebugLevel = 'debug' | 'info' | 'warn' | 'error';
export interface DebugLogger extends Readonly<Record<DebugLevel, (message: string, data?: unknown) => void>> {
  readonly namespace: string;
  /** Whether anything but errors would be written. */
  readonly enabled: boolean;
}
export interface DebugLogOutput {
  type: 'debug';
  level: DebugLevel;
  namespace: string;
  message: string;
  timestamp: string;
  data?: unknown;
}
/** Has a function take every entry in place of the console. */
export function setDebugSink(sink: ((entry: DebugLogOutput) => void) | null): void;
export function clearDebugSink(): void;

/** For tests: makes a function for {@link LumenizeClientConfig.refresh} that signs tokens. */
export function createTestRefreshFunction(options?: {
  /** PKCS #8, PEM, of Ed25519. Default: JWT_PRIVATE_KEY_BLUE of the environment. */
  privateKey?: string;
  /** Default: a random one, the same for all tokens. */
  sub?: string;
  /** Default: true. */
  adminApproved?: boolean;
  /** Default: true. */
  emailVerified?: boolean;
  /** Default: false. */
  isAdmin?: boolean;
  /** Default: https://lumenize.local, as aud. */
  iss?: string;
  aud?: string;
  /** In seconds. Default: 3600. */
  ttl?: number;
  /** Refresh fails. Default: false. */
  expired?: boolean;
}): () => Promise<{ access_token: string; sub: string }>;

/** The messages of the subprotocol lmz. What is encoded is {json, meta}. */
export const GatewayMessageType: {
  readonly CALL: 'call';
  readonly CALL_RESPONSE: 'call_response';
  readonly INCOMING_CALL: 'incoming_call';
  readonly INCOMING_CALL_RESPONSE: 'incoming_call_response';
  readonly CONNECTION_STATUS: 'connection_status';
};
export type GatewayMessageType = (typeof GatewayMessageType)[keyof typeof GatewayMessageType];
/** The close code of a client whose address another one has taken: 4409. */
export const WS_CLOSE_SUPERSEDED: 4409;

export interface CallMessage {
  type: 'call';
  callId: string;
  binding: string;
  instance?: string;
  /** Encoded. */
  chain: unknown;
  callContext?: { callChain: NodeIdentity[]; state: unknown };
}
export interface IncomingCallMessage {
  type: 'incoming_call';
  callId: string;
  /** Encoded. */
  chain: unknown;
  callContext: { callChain: NodeIdentity[]; originAuth?: OriginAuth; state: unknown };
}
interface Answer {
  callId: string;
  success: boolean;
  /** Encoded. */
  result?: unknown;
  /** Encoded. */
  error?: unknown;
}
export interface CallResponseMessage extends Answer {
  type: 'call_response';
}
export interface IncomingCallResponseMessage extends Answer {
  type: 'incoming_call_response';
}
export interface ConnectionStatusMessage {
  type: 'connection_status';
  subscriptionRequired: boolean;
}
export type GatewayMessage = CallMessage | CallResponseMessage | IncomingCallMessage | IncomingCallResponseMessage | ConnectionStatusMessage;
/** What a gateway knows of a connection. */
export interface GatewayConnectionInfo {
  sub: string;
  bindingName: string;
  instanceName: string;
  claims: Record<string, any>;
}
