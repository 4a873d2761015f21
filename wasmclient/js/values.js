// Values that JavaScript has no class for.

export { RequestSync, ResponseSync } from './requests.js';

/** The key of a continuation's operations. */
export const OPS = Symbol('lmz.operations');

/** A continuation that came from another node as an argument. */
export class Continuation {
  constructor(ops) {
    this[OPS] = ops;
  }
}

/** Stands for the outcome of the call in a reply continuation. */
export const Result = Object.freeze({ [Symbol.toStringTag]: 'Result' });

export const maxOperations = 50; // naming a method and calling it are two
export const maxArguments = 100;

/** Throws unless ops is a chain that can be sent or run. */
export function checkChain(ops) {
  const bad = (why) => { throw new TypeError(`invalid operation chain: ${why}`); };
  if (!Array.isArray(ops)) bad('operations must be an array');
  if (ops.length > maxOperations) bad(`too deep: ${ops.length} > ${maxOperations}`);
  if (ops.length === 0) bad('it must name a method and call it');
  for (let i = 0; i < ops.length; i += 2) {
    if (typeof ops[i] !== 'string') bad('a method name must be text');
    if (!Array.isArray(ops[i + 1])) bad(`.${ops[i]} is not called; properties cannot be read`);
    if (ops[i + 1].length > maxArguments) bad(`too many arguments: ${ops[i + 1].length} > ${maxArguments}`);
  }
}
