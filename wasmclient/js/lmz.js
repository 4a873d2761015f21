// lmz for JavaScript: a node of the mesh in a browser tab, a Worker or Node.

export { load } from './border.js';
export { decode, encode } from './cbor.js';
export { continuationFromChain, executeOperationChain, getOperationChain, isNestedOperationMarker } from './chains.js';
export { newContinuation, replaceNestedOperationMarkers, validateOperationChain } from './chains.js';
export { LumenizeClient } from './client.js';
export { MESH_CALLABLE, MESH_GUARD, ctn, getMeshGuard, isMeshCallable, mesh, meshFn } from './continuation.js';
export { clearDebugSink, debug, setDebugSink } from './debug.js';
export { ClientDisconnectedError, LoginRequiredError, registerError } from './errors.js';
export { GatewayMessageType, WS_CLOSE_SUPERSEDED } from './messages.js';
export { mergeDiff, mergePatch } from './patch.js';
export { getOrCreateTabId } from './tab.js';
export { createTestRefreshFunction } from './testing.js';
export { RequestSync, ResponseSync, Result } from './values.js';
