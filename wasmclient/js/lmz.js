// lmz for JavaScript: a node of the mesh in a browser tab, a Worker or Node.

export { load } from './border.js';
export { decode, encode } from './cbor.js';
export { LumenizeClient } from './client.js';
export { ctn, mesh, meshFn } from './continuation.js';
export { ClientDisconnectedError, LoginRequiredError, registerError } from './errors.js';
export { RequestSync, ResponseSync, Result } from './values.js';
