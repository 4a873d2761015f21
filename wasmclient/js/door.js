// this.lmz: the calling half of a client.

import { fill, operations, reply } from './continuation.js';

export class Door {
  type = 'LumenizeClient';
  #client;
  #inner;

  constructor(client, inner) {
    this.#client = client;
    this.#inner = inner;
  }

  get bindingName() {
    return this.#inner.binding;
  }

  get instanceName() {
    const instance = this.#inner.instance();
    if (!instance) {
      throw new Error('instanceName is only available after connected state. When instanceName is auto-generated, it is constructed during the first connection.');
    }
    return instance;
  }

  /** Who called, on whose behalf and through which hops; valid until the method's first await. */
  get callContext() {
    const context = this.#inner.context();
    if (!context) throw new Error('Cannot access callContext outside of a mesh call. callContext is only available during @mesh handler execution.');
    return context;
  }

  /** Calls a node and returns a promise of its result. */
  callRaw(binding, instance, continuation, options) {
    return this.#inner.call(binding, instance, continuation, options);
  }

  /**
   * Calls a node and returns at once. A handler is a continuation of this client. It runs
   * with the result or the Error in place of $result, in the current call context.
   */
  call(binding, instance, continuation, handler, options) {
    operations(continuation, 'remoteContinuation'); // throws here if it is not a continuation
    if (!handler) {
      this.#inner.call(binding, instance, continuation, { ...options, wanted: false }).catch(reportError);
      return;
    }
    const ops = operations(handler, 'handlerContinuation'), run = this.#inner.within(this.#inner.context());
    const failed = (error) => reply(this.#client, fill(ops, error), run).catch(reportError);
    const done = (result) => reply(this.#client, fill(ops, result), run).catch(reportError);
    this.#inner.call(binding, instance, continuation, options).then(options?.onErrorOnly ? undefined : done, failed);
  }
}

/** Reports an error as uncaught in a page, but does not end a Node.js process. */
function reportError(error) {
  if (globalThis.reportError) globalThis.reportError(error);
  else console.error(error);
}
