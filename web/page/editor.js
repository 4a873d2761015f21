// The editor's client: the open documents, and the methods that documents call.

import { LumenizeClient, meshFn } from './lmz/lmz.js';
import { OpenDocument } from './document.js';

/** Admits only calls that a document started itself. */
function fromDocument({ lmz }) {
  const { callChain } = lmz.callContext;
  if (callChain.length !== 1 || !isDocument(callChain[0])) throw new Error('only documents may call this, as the origin of the call');
}

/** Admits the spell checker's answers about text that this client typed into a document. */
function aboutOwnTyping({ lmz }) {
  const { callChain } = lmz.callContext;
  const [origin, document, checker] = callChain;
  if (callChain.length !== 3 || origin.type !== 'LumenizeClient' || origin.instanceName !== lmz.instanceName || !isDocument(document) ||
    checker.type !== 'LumenizeWorker' || checker.bindingName !== 'SPELLCHECK_WORKER') {
    throw new Error('only the spell checker may call this, about text that was typed here');
  }
}

const isDocument = ({ type, bindingName }) => type === 'LumenizeDO' && bindingName === 'DOCUMENT_DO';

/** A client to which documents send edits, people and findings. */
export class EditorClient extends LumenizeClient {
  #open = new Map(); // by name

  handleEdits = meshFn((name, made) => this.#open.get(name)?.receive(made), fromDocument);
  handlePresence = meshFn((name, person) => this.#open.get(name)?.present(person), fromDocument);
  handleSpelling = meshFn((name, spelling) => this.#open.get(name)?.spelled(spelling), aboutOwnTyping);

  /** Returns at most limit document names that sort after the given one, as {names, next}. */
  documents(after, limit) {
    return this.lmz.callRaw('WORKSPACE_DO', 'main', this.ctn().list(after, limit));
  }

  /** Opens a document, which the screen shows (see OpenDocument). */
  open(name, screen) {
    const document = new OpenDocument(this, name, screen);
    this.#open.set(name, document);
    return document;
  }

  /** Resubscribes all open documents, because the mesh does not know this session. */
  async resubscribe() {
    await Promise.all([...this.#open.values()].map((document) => document.resubscribe()));
  }

  /** Messages from a document were lost: only that one is asked again. */
  onMissed = ({ bindingName, instanceName }) => bindingName === 'DOCUMENT_DO' && this.#open.get(instanceName)?.missed();

  /** The connection was made or lost. */
  online(connected) {
    for (const document of this.#open.values()) document.online(connected);
  }

  forget(document) {
    if (this.#open.get(document.name) === document) this.#open.delete(document.name);
  }
}
