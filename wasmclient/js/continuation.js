// Continuations: descriptions of work for another node.

import { holds, rebuild } from './containers.js';
import { Refusal } from './errors.js';
import { Continuation, OPS, Result, checkChain } from './values.js';

const isResult = (v) => v === Result;
const isWork = (v) => v instanceof Continuation;

/**
 * Starts a continuation: ctn().admin().forceReset() describes two method calls. It is
 * immutable: reuse it, store it, send it to many nodes. ctn().$result is [Result].
 */
export function ctn() {
  return proxy([]);
}

/** Returns a continuation with these operations. */
export function proxy(ops) {
  return new Proxy(function continuation() {}, {
    get(_, key) {
      if (key === OPS) return ops;
      if (typeof key === 'symbol' || key === 'then') return undefined; // it is not a promise
      if (key === '$result' && ops.length === 0) return Result;
      return proxy([...ops, key]);
    },
    apply: (_, __, args) => proxy([...ops, args]),
    set: () => false,
    has: (_, key) => key === OPS,
  });
}

/**
 * Returns the operations of a continuation that can be sent. Throws otherwise, with the
 * original's message, in which what names the argument.
 */
export function operations(continuation, what = 'continuation') {
  const ops = continuation?.[OPS];
  if (!ops) throw new TypeError(`Invalid ${what}: must be created with this.ctn()`);
  checkChain(ops);
  return ops;
}

/**
 * Returns ops with outcome replacing Result anywhere in the last arguments, or appended to
 * them. As in the original, the continuation that was sent may stand for its own outcome.
 */
export function fill(ops, outcome) {
  const args = ops.at(-1);
  const stands = (a) => isResult(a) || a?.[OPS] !== undefined;
  const filled = args.map((a) => (stands(a) ? outcome : holds(a, isResult) ? rebuild(a, isResult, () => outcome) : a));
  if (!args.some((a) => stands(a) || holds(a, isResult))) filled.push(outcome);
  return [...ops.slice(0, -1), filled];
}

/** The keys of an exposed function's mark and guard: the same symbols as in the original. */
export const MESH_CALLABLE = Symbol.for('lumenize.mesh.callable'), MESH_GUARD = Symbol.for('lumenize.mesh.guard');

/** Reports whether a value is a function that other nodes may call. */
export function isMeshCallable(fn) {
  return typeof fn === 'function' && Object.hasOwn(fn, MESH_CALLABLE);
}

/** Returns the guard of an exposed function, if it has one. */
export function getMeshGuard(fn) {
  return isMeshCallable(fn) ? fn[MESH_GUARD] : undefined;
}

/**
 * Exposes a function: other nodes may call it as a method of the client. An optional
 * guard receives the client and the request before the function runs, and refuses by
 * throwing.
 */
export function meshFn(fn, guard) {
  if (typeof fn !== 'function') throw new TypeError('meshFn: a function is expected');
  if (guard !== undefined && typeof guard !== 'function') throw new TypeError('meshFn: the guard must be a function');
  Object.defineProperty(fn, MESH_CALLABLE, { value: true, configurable: true });
  if (guard) Object.defineProperty(fn, MESH_GUARD, { value: guard, configurable: true });
  return fn;
}

/** meshFn as a method decorator: @mesh() or @mesh(guard). */
export function mesh(guard) {
  return (fnOrTarget, _context, descriptor) => {
    meshFn(descriptor ? descriptor.value : fnOrTarget, guard);
    return descriptor ?? fnOrTarget;
  };
}

/** Finds a method by name without running a getter. */
function method(target, name) {
  for (let o = target; o !== null && o !== undefined; o = Object.getPrototypeOf(o)) {
    const property = Object.getOwnPropertyDescriptor(Object(o), name);
    if (property) return typeof property.value === 'function' ? property.value : undefined;
  }
  return undefined;
}

/**
 * Runs an incoming chain on target, each step once. Every method must be exposed.
 * run(fn) calls fn with the call context in place; started is called once the first
 * method has begun.
 */
export function execute(target, ops, run, started) {
  return steps(target, ops, { run, started, begun: false, count: 0 });
}

// Limits of one incoming call, including its nested continuations.
const maxSteps = 1000;
const maxDepth = 192;

async function steps(target, ops, state, depth = 0) {
  checkChain(ops);
  let current = target;
  for (let i = 0; i < ops.length; i += 2) {
    if (++state.count > maxSteps) throw new TypeError(`more than ${maxSteps} method calls in one call`);
    const name = ops[i];
    const fn = method(current, name);
    if (!isMeshCallable(fn)) {
      throw refusal(state, 'absent', new Error(`no method ${JSON.stringify(name)} is exposed here`));
    }
    const args = await resolve(target, ops[i + 1], state, depth);
    await checkGuard(fn, current, name, args, state);
    state.begun = true;
    const receiver = current;
    const result = state.run(() => Reflect.apply(fn, receiver, args));
    state.started();
    current = await result;
  }
  return current;
}

/** Returns a Refusal, which says that nothing was executed, only if no method has begun. */
function refusal(state, code, error) {
  return state.begun ? error : new Refusal(code, error);
}

async function checkGuard(fn, current, name, args, state) {
  const guard = getMeshGuard(fn);
  if (!guard) return;
  try {
    const verdict = state.run(() => guard(current, { method: name, args }));
    if (typeof verdict?.then === 'function') await verdict; // awaiting others would reorder calls
  } catch (error) {
    throw refusal(state, 'guard', error);
  }
}

/** Runs the continuations in args, at any depth, on target, one after the other. */
async function resolve(target, args, state, depth) {
  if (!holds(args, isWork)) return args;
  if (depth > maxDepth) throw new TypeError('continuations nested too deep');
  const found = [];
  rebuild(args, isWork, (work) => {
    found.push(work);
    return work;
  });
  const results = [];
  for (const work of found) results.push(await steps(target, work[OPS], state, depth + 1));
  return rebuild(args, isWork, () => results.shift());
}

/** Runs a reply continuation on the node's own methods, exposed or not, each with run. */
export async function reply(target, ops, run = (f) => f()) {
  let current = target;
  for (let i = 0; i < ops.length; i += 2) {
    const receiver = current, fn = receiver?.[ops[i]];
    if (typeof fn !== 'function') throw new TypeError(`reply: there is no method ${ops[i]}()`);
    current = await run(() => Reflect.apply(fn, receiver, ops[i + 1]));
  }
}
