// Chains in the original's form, a list of {type: 'get', key} and {type: 'apply', args}, for
// programs that store, inspect or run them. Internally, names and arguments alternate.

import { holds, rebuild } from './containers.js';
import { ctn, execute, fill, proxy } from './continuation.js';
import { Refusal } from './errors.js';
import { nestedChain, nestedFlag } from './json-write.js';
import { Continuation, OPS, Result, checkChain, maxArguments, maxOperations } from './values.js';

const isWork = (v) => v === Result || v?.[OPS] !== undefined;
const isResult = (chain) => chain.length === 1 && chain[0]?.type === 'get' && chain[0].key === '$result';

/** Reports whether a value stands for nested work in the original's form. */
export function isNestedOperationMarker(v) {
  return typeof v === 'object' && v !== null && v[nestedFlag] === true;
}

/** Starts a continuation, as ctn does. */
export function newContinuation() {
  return ctn();
}

/** Makes a continuation from a chain. */
export function continuationFromChain(chain) {
  return proxy(toOperations(chain));
}

/** Returns the chain of a continuation, or undefined if it is not one. */
export function getOperationChain(continuation) {
  if (continuation === Result) return [{ type: 'get', key: '$result' }];
  const ops = continuation?.[OPS];
  return ops && toChain(ops);
}

/** Throws unless chain can be run. */
export function validateOperationChain(chain, { maxDepth = maxOperations, maxArgs = maxArguments } = {}) {
  if (!Array.isArray(chain)) throw new TypeError('Invalid operation chain: operations must be an array');
  if (chain.length > maxDepth) throw new TypeError(`Operation chain too deep: ${chain.length} > ${maxDepth}`);
  for (const op of chain) {
    const named = op?.type === 'get' && (typeof op.key === 'string' || typeof op.key === 'number');
    if (!named && !(op?.type === 'apply' && Array.isArray(op.args))) throw new TypeError('Invalid operation chain: an operation is of an unknown type');
    if (op.args?.length > maxArgs) throw new TypeError(`Too many arguments: ${op.args.length} > ${maxArgs}`);
  }
}

/** Returns chain with outcome replacing the nested work in its last arguments, or appended. */
export function replaceNestedOperationMarkers(chain, outcome) {
  validateOperationChain(chain);
  if (chain.at(-1)?.type !== 'apply') return chain;
  return toChain(fill(toOperations(chain), outcome));
}

/**
 * Runs a chain on target, each operation once, and returns a promise of its result. Every
 * method must be exposed. Without requireMeshDecorator, the chain must be the program's own:
 * it may call any method and read properties.
 */
export async function executeOperationChain(chain, target, { requireMeshDecorator = true, ...limits } = {}) {
  validateOperationChain(chain, limits);
  if (!requireMeshDecorator) return walk(chain, target, limits);
  try {
    return await execute(target, toOperations(chain), (f) => f(), () => {});
  } catch (error) {
    throw error instanceof Refusal ? error.error : error;
  }
}

async function walk(chain, target, limits) {
  let owner, current = target;
  for (const op of chain) {
    if (op.type === 'get') {
      [owner, current] = [current, current[op.key]];
      continue;
    }
    if (typeof current !== 'function') throw new TypeError(`${String(current)} is not a function`);
    const args = await resolve(op.args, target, limits);
    [owner, current] = [undefined, await Reflect.apply(current, owner, args)];
  }
  return current;
}

/** Replaces the nested work in arguments by its results, one after the other. */
async function resolve(args, target, limits) {
  if (!holds(args, isNestedOperationMarker)) return args;
  const found = [], results = [];
  rebuild(args, isNestedOperationMarker, (marker) => found.push(marker));
  for (const marker of found) {
    const chain = chainOf(marker);
    validateOperationChain(chain, limits);
    results.push(await walk(chain, target, limits));
  }
  return rebuild(args, isNestedOperationMarker, () => results.shift());
}

function chainOf({ [nestedChain]: chain }) {
  if (!chain) throw new TypeError(`Invalid nested operation marker: missing ${nestedChain}`);
  return chain;
}

/** Converts a chain to operations, and its markers to work. */
export function toOperations(chain) {
  validateOperationChain(chain);
  return chain.map((op) => (op.type === 'get' ? String(op.key) : op.args.map(readWork)));
}

const readWork = (v) => (holds(v, isNestedOperationMarker) ? rebuild(v, isNestedOperationMarker, readMarker) : v);

function readMarker(marker) {
  const chain = chainOf(marker);
  if (isResult(chain)) return Result;
  const ops = toOperations(chain);
  checkChain(ops);
  return new Continuation(ops);
}

function toChain(ops) {
  return ops.map((op) => (typeof op === 'string' ? { type: 'get', key: op } : { type: 'apply', args: op.map(writeWork) }));
}

const writeWork = (v) => (holds(v, isWork) ? rebuild(v, isWork, (work) => ({ [nestedFlag]: true, [nestedChain]: getOperationChain(work) })) : v);
