// The parameters of a call besides its continuation.

import { kindOf } from './kinds.js';
import { halfPair } from './walk.js';

/** Throws if the border to Go would silently change an address or option. */
export function checkCall(binding, instance, timeoutMs, state) {
  const expected = (name, what) => { throw new TypeError(`${name}: ${what} is expected`); };
  for (const [name, text] of Object.entries({ binding, instance })) {
    if (typeof text !== 'string') expected(name, 'text');
    if (text.search(halfPair) >= 0) expected(name, 'text without half of a surrogate pair');
  }
  if (!(typeof timeoutMs === 'number' && timeoutMs >= 0)) expected('timeoutMs', 'a number of milliseconds');
  if (state !== undefined && !(typeof state === 'object' && state !== null && kindOf(state) === 'Object')) expected('state', 'a plain object');
}
