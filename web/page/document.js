// An open document: the calls, timers and records with which the page carries out the
// decisions of its sync engine (sync.js).

import { Journal } from './journal.js';
import { Sync } from './sync.js';

const partLength = 64 << 10; // UTF-16 units in each part of a long text
const undoPause = 1000; // milliseconds without typing that end a step of undo
const retryDelay = 2000; // milliseconds, after the module or the browser's disk failed

// The errors of a document that the sync engine distinguishes; see text.Failure.
const decisive = new Set(['EditRefused', 'VersionTooOld']);

// What fails in each step of the sync engine; see text.Step.
const failures = [
  '', 'The document cannot be opened', 'Not saved', 'What others changed cannot be loaded', 'Not saved',
];

const nothing = { ready: false, replacing: false, saved: true, version: 0, editor: '', by: '', step: 0, problem: '', unkept: '' };

/**
 * An open document. The screen has the methods opened(text), changed(changes),
 * people(all), spelled(checked, found), status(), settle(), which commits what is being
 * composed, and kept(text, drop): a refused text, and a function that discards it.
 */
export class OpenDocument {
  #client;
  #screen;
  #sync = null; // once the module is loaded
  #journal = null; // once the user is known
  #timers = [];
  #restoreTimer;
  #subscribing; // promise
  #storing; // promise
  #typed = 0; // time of the last typing
  #ended = new AbortController();
  #closed = false;

  constructor(client, name, screen) {
    this.#client = client;
    this.name = name;
    this.#screen = screen;
    this.#begin();
  }

  get #state() { return this.#sync?.state ?? nothing; }
  get #connected() { return this.#client.connectionState === 'connected'; }

  get loaded() { return this.#state.ready; }
  get dirty() { return this.loaded && !this.#state.saved; }
  get version() { return this.#state.version; }
  /** Who changed it last, or '' if that was this page. */
  get by() { return this.#state.by; }
  /** Whether the browser failed to store unsaved edits on disk. */
  get unkept() { return this.#state.unkept !== ''; }
  /** Why it cannot be opened or saved, or ''. */
  get problem() {
    const { step, problem } = this.#state;
    return problem && `${failures[step]}: ${problem}`;
  }

  async #begin() {
    while (!this.#closed && !this.#sync) {
      try {
        this.#sync = await Sync.open({
          subscribe: () => { this.#subscribing = this.#subscribe(); },
          load: (...args) => this.#load(...args),
          fetch: (call, since) => this.#ask(call, this.#ctn().changes(since), ({ made, version }) => this.#tell('fetched', call, made, version)),
          push: (call, base, edits) => this.#ask(call, this.#ctn().push(base, edits),
            ({ versions, version }) => this.#tell('pushed', call, versions.at(-1) ?? 0, version)),
          present: (clientID, version, anchor, head) => this.#call(this.#ctn().present({ clientID, version, anchor, head })).catch(() => {}),
          store: (records) => { this.#storing = this.#store(records); },
          wait: (timer, ms) => this.#wait(timer, ms),
          wake: () => queueMicrotask(() => this.#pull()), // the screen may be in the middle of a change
        });
      } catch {
        await new Promise((resolve) => setTimeout(resolve, retryDelay)); // the client reports why
      }
    }
    this.online(this.#connected);
  }

  #ctn() { return this.#client.ctn(); }

  #call(continuation) {
    return this.#client.lmz.callRaw('DOCUMENT_DO', this.name, continuation);
  }

  /** Sends an event to the sync engine, if there is one. */
  #tell(event, ...args) {
    return this.#closed ? undefined : this.#sync?.tell(event, ...args);
  }

  /** Calls the document for the sync engine, and tells it if that fails. */
  async #ask(call, continuation, answered) {
    let answer;
    try {
      answer = await this.#call(continuation);
    } catch (error) {
      this.#failed(call, error);
      return;
    }
    answered(answer);
  }

  #failed(call, error) {
    console.debug('lmz: a call of the document failed:', error);
    this.#tell('failed', call, decisive.has(error.name) ? error.name : error.lmzCode ?? '', error.message);
  }

  #subscribe() {
    return this.#ask(0, this.#ctn().subscribe(), (opening) => this.#tell('subscribed', opening));
  }

  async #load(call, version, length, text) {
    const editor = crypto.randomUUID();
    try {
      // A character that straddles the end of a part is in the next one.
      for (let from = partLength; from < length && !this.#closed; from += partLength) {
        text += await this.#call(this.#ctn().read(version, from));
      }
      if (text.length !== length) throw new Error('the text did not arrive whole');
      const first = !this.#journal;
      this.#journal ??= new Journal(this.#client.claims?.sub ?? '', this.name);
      await this.#journal.lock(editor);
      if (first) this.#restore();
    } catch (error) {
      this.#failed(call, error);
      return;
    }
    if (this.#closed) this.#journal.close();
    this.#tell('loaded', call, text, editor);
  }

  /** Takes over what other openings leave unsaved when their tabs are closed or crash. */
  async #restore() {
    try {
      await this.#journal.left(this.#ended.signal, (editor, { version, edits }) => this.#tell('restore', editor, version, edits));
    } catch (error) {
      if (this.#closed) return;
      console.warn('lmz: what was typed earlier cannot be read:', error.message);
      this.#restoreTimer = setTimeout(() => this.#restore(), retryDelay);
    }
  }

  async #store(records) {
    const { editor: current, unkept } = this.#state;
    let done = 0, message = '';
    try {
      for (const [editor, version, edits] of records) {
        await this.#journal.keep(editor, { version, edits }, editor === current);
        done++;
      }
    } catch (error) {
      message = error.message || String(error);
      if (unkept === '') console.warn('lmz: what is not saved is not on disk:', message);
    }
    this.#sync.tell('stored', done, message);
  }

  #wait(timer, ms) {
    clearTimeout(this.#timers[timer]);
    this.#timers[timer] = setTimeout(() => this.#tell('due', timer), ms);
  }

  /** Shows what happened. */
  #pull() {
    if (this.#closed) return;
    if (this.#state.replacing) this.#screen.settle(); // what is being composed belongs to the old text
    const [text, changes, people, refused] = this.#tell('pull');
    if (text !== null) this.#screen.opened(text);
    for (const change of changes) this.#screen.changed(change);
    if (people) this.#screen.people(this.#sync.people);
    for (const [editor, edits] of refused) this.#screen.kept(inserted(edits), () => this.#tell('discard', editor));
    this.#screen.status();
  }

  /** The connection was made or lost. */
  online(connected) { this.#tell('online', Number(connected)); }

  /** Subscribes again, to a document that lost this session. Resolves when it has answered. */
  async resubscribe() {
    this.#tell('resubscribe');
    await this.#subscribing;
  }

  /** Messages from the document were lost: subscribes again. */
  missed() { this.#tell('missed'); }

  /** Receives edits that the document has applied, in order. */
  receive(made) { this.#tell('arrived', made); }

  /** Receives somebody's cursor, in the text of a version. */
  present(person) { this.#tell('met', person); }

  /** Takes typed changes, in the form of ChangeSet.toJSON. */
  type(changes) {
    if (!this.loaded) return;
    const now = performance.now();
    if (now - this.#typed > undoPause) this.#tell('boundary');
    this.#typed = now;
    this.#tell('edit', changes);
    this.#screen.status();
  }

  undo() { return this.#step('undo'); }
  redo() { return this.#step('redo'); }

  #step(event) {
    const changes = this.#tell(event);
    if (!changes) return false;
    this.#screen.changed(changes);
    this.#screen.status();
    return true;
  }

  /** The cursor on this screen moved. */
  moved(anchor, head) { this.#tell('cursor', anchor, head); }

  /** Receives what is misspelled in parts of the text of a version. */
  spelled({ version, checked, found }) {
    if (!this.loaded) return;
    const place = (range) => {
      const from = this.#sync.onScreen(range.from, version, 1);
      const to = this.#sync.onScreen(range.to, version, -1);
      return from >= 0 && to >= from ? [{ ...range, from, to }] : [];
    };
    this.#screen.spelled(checked.flatMap(place), found.flatMap(place));
  }

  /** Revisions, newest first: those before a version, or the newest if it is 0. */
  history(before) { return this.#call(this.#ctn().history(before)); }
  /** The text of a version, or the beginning of a long one. */
  textOf(version) { return this.#call(this.#ctn().read(version, 0)); }
  /** Makes the text of a version the current one. */
  restore(version) { return this.#call(this.#ctn().restore(version)); }

  /** Closes it. Unsaved edits are on disk, and are sent at the next opening. */
  async close() {
    if (this.#closed) return;
    this.#screen.settle();
    this.#closed = true;
    this.#ended.abort();
    this.#client.forget(this);
    for (const timer of [...this.#timers, this.#restoreTimer]) clearTimeout(timer);
    await this.#storing;
    this.#sync?.tell('close');
    await this.#storing;
    await this.#journal?.close();
    this.#sync?.tell('forget');
    if (this.#connected) await this.#call(this.#ctn().unsubscribe()).catch(() => {});
  }
}

/** Returns the text that edits insert, for display. */
function inserted(edits) {
  return edits.map(({ changes }) => changes
    .filter((part) => Array.isArray(part) && part.length > 1)
    .map(([, ...lines]) => lines.join('\n')).join(' ')).join('').trim();
}
