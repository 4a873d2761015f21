// The editor's client: documents that are open, and saving what was typed.

import { LumenizeClient, meshFn } from './lmz/lmz.js';
import { Buffer } from './buffer.js';

const saveDelay = 150; // milliseconds after the last keystroke
const retryDelays = [500, 1000, 2000, 5000]; // after a save that failed

/** A client that others tell about documents. */
export class EditorClient extends LumenizeClient {
  #open = new Map(); // by name

  handleContentUpdate = meshFn((name, change) => {
    this.#open.get(name)?.arrived(change);
  });

  handleSpellFindings = meshFn((name, findings) => {
    this.#open.get(name)?.found(findings);
  });

  /** The names of all documents. */
  documents() {
    return this.lmz.callRaw('WORKSPACE_DO', 'main', this.ctn().documents());
  }

  /** Opens a document; listener's methods hear of changes. */
  open(name, listener) {
    const document = new OpenDocument(this, name, listener);
    this.#open.set(name, document);
    document.subscribe();
    return document;
  }

  /** Subscribes again to everything that is open: the mesh does not know this session. */
  async openAgain() {
    await Promise.all([...this.#open.values()].map((document) => document.subscribe()));
  }

  forget(document) {
    if (this.#open.get(document.name) === document) this.#open.delete(document.name);
  }
}

/** A document that is open. */
export class OpenDocument {
  buffer = new Buffer();
  findings = [];
  loaded = false;
  problem = '';

  #client;
  #listener;
  #timer;
  #failures = 0;
  #closed = false;
  #idle; // resolves close

  constructor(client, name, listener) {
    this.#client = client;
    this.name = name;
    this.#listener = listener;
  }

  #call(continuation) {
    return this.#client.lmz.callRaw('DOCUMENT_DO', this.name, continuation);
  }

  async subscribe() {
    try {
      const change = await this.#call(this.#client.ctn().open());
      this.loaded = true;
      this.problem = '';
      this.arrived(change);
    } catch (error) {
      if (this.#closed) return;
      this.problem = `The document cannot be opened: ${error.message}`;
      this.#listener.changed(this);
      if (this.#client.connectionState === 'connected' && error.lmzCode !== 'callee' && error.lmzCode !== 'absent') {
        setTimeout(() => { if (!this.#closed && !this.loaded) this.subscribe(); }, 1000);
      }
    }
  }

  arrived(change) {
    if (this.#closed) return;
    const before = this.buffer.text;
    if (this.buffer.arrive(change)) {
      this.by = change.by;
      this.#listener.replaced(this, before);
    }
    this.#listener.changed(this);
  }

  found(findings) {
    this.findings = findings ?? [];
    this.#listener.changed(this);
  }

  /** The user typed. */
  type(text) {
    this.buffer.text = text;
    this.#schedule(saveDelay);
    this.#listener.changed(this);
  }

  take() {
    const before = this.buffer.text;
    this.by = this.buffer.held?.by;
    this.buffer.take();
    this.#listener.replaced(this, before);
    this.#schedule(saveDelay);
    this.#listener.changed(this);
  }

  keep() {
    this.buffer.keep();
    this.#listener.changed(this);
  }

  /** Saves what is left and unsubscribes. */
  async close() {
    if (this.buffer.dirty) {
      await new Promise((resolve) => {
        this.#idle = resolve;
        this.#save();
      });
    }
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#client.forget(this);
    await this.#call(this.#client.ctn().unsubscribe());
  }

  #schedule(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(), delay);
  }

  async #save() {
    clearTimeout(this.#timer);
    const text = this.loaded ? this.buffer.beginSave() : null;
    if (text === null) return;
    try {
      this.buffer.saved(await this.#call(this.#client.ctn().update(text)));
      this.by = '';
      this.problem = '';
      this.#failures = 0;
      if (this.buffer.dirty) this.#schedule(0);
      else this.#idle?.();
    } catch (error) {
      this.buffer.saveFailed();
      await this.#failed(error);
    }
    this.#listener.changed(this);
  }

  async #failed(error) {
    const delay = retryDelays[Math.min(this.#failures++, retryDelays.length - 1)];
    this.problem = this.#client.connectionState === 'connected' ? `Not saved yet: ${error.message}` : '';
    if (error.lmzCode === 'guard') await this.subscribe(); // the document has forgotten us
    this.#schedule(delay);
  }
}
