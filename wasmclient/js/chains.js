// Chains in the original's form, a list of {type: 'get', key} and {type: 'apply', args}, for
// programs that keep, look at or run them themselves. Inside, a name and its arguments alternate.

import { holds, rebuild } from './containers.js';
import { ctn, execute, fill, proxy } from './continuation.js';
import { Refusal } from './errors.js';
import { nestedChain, nestedFlag } from './json-write.js';
import { Continuation, OPS, Result, checkChain, maxArguments, maxOperations } from './values.js';

const isWork = (v) => v === Result || v?.[OPS] !== undefined;
const isResult = (chain) => chain.length === 1 && chain[0]?.type === 'get' && chain[0].key === '$result';

/** Whether a value stands for nested work in the original's form. */
export function isNestedOperationMarker(v) {
  return typeof v === 'object' && v !== null && v[nestedFlag] === true;
}

/** Describes work, as ctn does. */
export function newContinuation() {
  return ctn();
}

/** Makes a continuation of a chain. */
export function continuationFromChain(chain) {
  return proxy(toOperations(chain));
}

/** The chain of a continuation; undefined if it is none. */
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

/** The chain with outcome in place of the nested work among its last arguments, or after them. */
export function replaceNestedOperationMarkers(chain, outcome) {
  validateOperationChain(chain);
  if (chain.at(-1)?.type !== 'apply') return chain;
  return toChain(fill(toOperations(chain), outcome));
}

/**
 * Runs a chain on target, each operation once, and returns a promise of its value. Every
 * method must be exposed; without requireMeshDecorator the chain is the program's own:
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

/** Arguments with the values of the nested work in them, which runs one after the other. */
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

/** The operations of a chain, with work in place of its markers. */
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
