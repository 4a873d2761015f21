// A document that is open: the shared text on the screen, and the calls that keep it and
// the document's own in step. What is typed is never queued as calls: it is one change,
// kept on disk, that goes when it can.

import { Journal } from './journal.js';
import { batch, rebase, SharedText } from './text.js';

const retryDelays = [500, 1000, 2000, 5000]; // milliseconds, after something failed
const journalDelay = 300; // after the first key that is not on disk
const storageRetry = 2000; // after the disk of the browser took or gave nothing
const presentDelay = 100; // between two words about the cursor
const partLength = 64 << 10; // units in which a long text arrives
const undoPause = 1000; // in typing, which ends a step of undo
const refusals = new Set(['EditRefused', 'VersionTooOld']); // a document's last word on edits
const confirmDelay = 3000; // for edits that were pushed and not heard of

/**
 * An open document. The screen has the methods opened(text), changed(changes),
 * people(all), spelled(checked, found), status(), settle(), which types what is being
 * composed, and kept(text, drop): a text that was refused, and how to forget it.
 */
export class SharedDocument {
  problem = ''; // why it cannot be opened or saved
  unkept = false; // the browser did not take what is to be on disk
  by = ''; // who changed it last, if that was somebody else
  people = new Map(); // others who are here, by clientID

  #client;
  #screen;
  #text = null; // SharedText, once loaded
  #journal = null;
  #early = []; // edits that arrived while the text was loading
  #met = null; // news of people, while the document is being opened: the text they are in is not here
  #opening = null; // promise
  #pushing = false;
  #failures = 0;
  #retry;
  #journalTimer;
  #leftTimer;
  #ended = new AbortController();
  #presentTimer;
  #confirmTimer;
  #typed = 0; // when something was typed last
  #cursor = null; // {anchor, head} on the screen
  #closed = false;

  constructor(client, name, screen) {
    this.#client = client;
    this.name = name;
    this.#screen = screen;
  }

  get loaded() { return Boolean(this.#text); }
  get dirty() { return this.loaded && !this.#text.saved; }
  get version() { return this.#text?.version ?? 0; }
  get editor() { return this.#text?.editor ?? ''; }

  #call(continuation) {
    return this.#client.lmz.callRaw('DOCUMENT_DO', this.name, continuation);
  }

  get #connected() { return this.#client.connectionState === 'connected'; }

  /** News of the document was dropped on the way here: it says again what there is. */
  async missed() {
    await this.#opening; // it may have begun before
    if (!this.#closed) await this.open();
  }

  /** Subscribes, and gets the text or what was missed of it. */
  open() {
    this.#opening ??= this.#open().finally(() => { this.#opening = null; });
    return this.#opening;
  }

  async #open() {
    this.#met ??= [];
    try {
      const opening = await this.#call(this.#client.ctn().subscribe());
      if (this.#closed) return;
      if (opening.version < this.version) await this.#leave(); // it was brought back to an older state
      if (this.#text) await this.#catchUp().catch((error) => { if (!isLost(error)) throw error; return this.#leave(); });
      if (!this.#text && !this.#closed) await this.#load(opening);
      if (this.#closed) return;
      this.#welcome(opening);
      this.problem = '';
      this.#failures = 0;
      this.goOn();
    } catch (error) {
      this.#failed(error, 'The document cannot be opened', () => this.open());
    }
  }

  /** Tries again later, unless there is no connection, whose return tries everything. */
  #failed(error, what, again) {
    if (this.#closed) return;
    console.debug('lmz:', what, error);
    if (this.#connected) this.problem = `${what}: ${error.message}`;
    this.#screen.status();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (!this.#closed && this.#connected) again();
    }, retryDelays[Math.min(this.#failures++, retryDelays.length - 1)]);
  }

  async #load({ version, length, text }) {
    // A character that lies across the end of a part is in the next one.
    for (let from = partLength; from < length; from += partLength) {
      text += await this.#call(this.#client.ctn().read(version, from));
      if (this.#closed) return;
    }
    if (text.length !== length) throw new Error('the text did not arrive whole');
    const shared = await SharedText.open(crypto.randomUUID(), version, text);
    const journal = await Journal.open(this.#client.claims?.sub ?? '', this.name, shared.editor);
    if (this.#closed) {
      await journal.close();
      return;
    }
    [this.#text, this.#journal] = [shared, journal];
    this.#screen.opened(text);
    this.receive(this.#early.splice(0));
    this.#pushLeft();
  }

  /** Gets what was made since the version on the screen. */
  async #catchUp() {
    for (;;) {
      const missing = await this.#call(this.#client.ctn().changes(this.#text.version));
      if (this.#closed) return;
      for (const made of missing.made) this.#take(made);
      if (this.#text.version >= missing.version || missing.made.length === 0) return;
    }
  }

  /** Edits that the document has made, in order. */
  receive(all) {
    if (!this.#text) {
      this.#early.push(...all);
      return;
    }
    try {
      for (const made of all) this.#take(made);
    } catch (error) {
      console.debug('lmz: edits are missing:', error.message);
      this.#catchUp().catch((failure) => this.#lost(failure));
    }
    this.#changed();
    this.#push();
  }

  #take(made) {
    const before = this.#text.version;
    this.#screen.changed(this.#text.receive(made));
    if (this.#text.version > before) this.by = made.clientID === this.#text.editor ? '' : made.by;
  }

  /** The way back to the document is lost: load it anew, then push what was not saved. */
  async #lost(error) {
    if (!isLost(error)) {
      this.#failed(error, 'What others changed cannot be loaded', () => this.open());
      return;
    }
    await this.#leave();
    this.open();
  }

  /** Leaves the text that is on the screen: what is not saved is on disk, and is pushed on its own. */
  async #leave() {
    this.#screen.settle();
    const [text, journal] = [this.#text, this.#journal];
    if (!text) return;
    clearTimeout(this.#journalTimer);
    this.#journalTimer = this.#text = this.#journal = undefined;
    this.#screen.status(); // nothing can be typed for now
    await journal.keep(text.unsaved).catch(() => this.#screen.kept(inserted(text.unsaved.edits), () => {}));
    await journal.close();
    text.close();
  }

  /** Pushes what other openings left behind: tabs that were closed or have died, or will. */
  async #pushLeft() {
    clearTimeout(this.#leftTimer);
    try {
      await Journal.eachLeft(this.#client.claims?.sub ?? '', this.name, this.#ended.signal, (...left) => this.#pushRest(...left));
    } catch (error) {
      if (this.#closed) return;
      console.warn('lmz: what was typed earlier cannot be read:', error.message);
      this.#leftTimer = setTimeout(() => this.#pushLeft(), storageRetry);
    }
  }

  async #pushRest({ version, edits }, drop) {
    for (let failures = 0; !this.#closed; failures++) {
      try {
        await this.#pushRecord(version, edits);
        return true;
      } catch (error) {
        if (refusals.has(error.name)) {
          this.#screen.kept(inserted(edits), drop);
          return false; // it is on disk until the user drops it
        }
        console.debug('lmz: what another tab left cannot be pushed:', error);
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelays[Math.min(failures, retryDelays.length - 1)]));
    }
    return false;
  }

  /** Brings edits to the newest version and pushes them, in parts that fit. */
  async #pushRecord(version, edits) {
    while (edits.length > 0) {
      const missing = await this.#call(this.#client.ctn().changes(version));
      for (const made of missing.made) {
        edits = await rebase(edits, made).catch((error) => { throw Object.assign(error, { name: 'EditRefused' }); });
        version = made.version;
      }
      if (version < missing.version || edits.length === 0) continue;
      await this.#call(this.#client.ctn().push(version, edits.slice(0, await batch(edits))));
    }
  }

  /** Something was typed: changes as of ChangeSet.toJSON. */
  type(changes) {
    if (!this.#text) return; // the end of a composition that began before the text was left
    const now = performance.now();
    if (now - this.#typed > undoPause) this.#text.boundary();
    this.#typed = now;
    this.#text.edit(changes);
    this.#changed();
    this.#push();
  }

  undo() { return this.#step(this.#text?.undo()); }
  redo() { return this.#step(this.#text?.redo()); }

  #step(changes) {
    if (!changes) return false;
    this.#screen.changed(changes);
    this.#changed();
    this.#push();
    return true;
  }

  /** After each change: the journal and the status follow. */
  #changed() {
    this.#screen.status();
    this.#journalTimer ??= setTimeout(() => this.#journalNow(), journalDelay);
  }

  async #journalNow() {
    clearTimeout(this.#journalTimer);
    this.#journalTimer = undefined;
    if (!this.#text) return;
    const before = this.unkept;
    try {
      await this.#journal.keep(this.#text.unsaved);
      this.unkept = false;
    } catch (error) {
      console.warn('lmz: what is not saved is not on disk:', error.message);
      this.unkept = true;
      if (!this.#closed) this.#journalTimer ??= setTimeout(() => this.#journalNow(), storageRetry);
    }
    if (this.unkept !== before) this.#screen.status();
  }

  async #push() {
    if (this.#pushing || !this.#text || this.#closed || !this.#connected) return;
    const batch = this.#text.push();
    if (!batch) return;
    this.#pushing = true;
    const text = this.#text;
    try {
      const { version } = await this.#call(this.#client.ctn().push(batch.version, batch.edits));
      text.pushed(version);
      this.problem = '';
      this.#failures = 0;
      clearTimeout(this.#confirmTimer);
      this.#confirmTimer = setTimeout(() => this.#confirm(), confirmDelay);
    } catch (error) {
      if (text === this.#text) text.pushFailed();
      this.#pushing = false;
      this.#pushRefused(error);
      return;
    }
    this.#pushing = false;
    this.#push(); // what was typed meanwhile
  }

  #pushRefused(error) {
    if (error.name === 'EditRefused') {
      this.#lost(Object.assign(error, { name: 'VersionTooOld' }));
    } else if (error.lmzCode === 'guard') {
      this.open(); // the document does not know us any more
    } else {
      this.#failed(error, 'Not saved', () => this.#push());
    }
  }

  /** What was pushed should have come back long since. */
  #confirm() {
    if (this.#text?.awaits && this.#connected && !this.#closed) {
      this.#catchUp().then(() => { this.#changed(); this.#push(); }, (error) => this.#lost(error));
    }
  }

  /** The connection is back, or the document is open: what waits can go. */
  goOn() {
    clearTimeout(this.#retry);
    if (!this.#text) {
      if (!this.#opening) this.open();
      return;
    }
    this.#screen.status();
    this.#push();
    this.#confirm();
    this.#presentNow();
  }

  /** Who is there when the document was opened, and what was heard of them since. */
  #welcome({ people, moment }) {
    const met = this.#met.filter((person) => person.moment >= moment);
    this.#met = null;
    this.people = new Map();
    for (const person of [...people, ...met]) this.present(person);
    this.#screen.people([...this.people.values()]);
  }

  /** Somebody's cursor, in the text of a version. */
  present(person) {
    if (this.#met) return void this.#met.push(person);
    if (person.clientID === this.editor) return;
    if (person.gone) {
      this.people.delete(person.clientID);
    } else {
      for (const { clientID, color } of [...this.people.values()]) { // the same client with another editor
        if (color === person.color && clientID !== person.clientID) this.people.delete(clientID);
      }
      const [anchor, head] = [person.anchor, person.head].map((at) => this.#text?.onScreen(at, person.version, -1) ?? -1);
      this.people.set(person.clientID, { ...person, anchor, head });
    }
    this.#screen.people([...this.people.values()]);
  }

  /** The cursor on this screen moved. */
  moved(anchor, head) {
    this.#cursor = { anchor, head };
    this.#presentTimer ??= setTimeout(() => this.#presentNow(), presentDelay);
  }

  #presentNow() {
    clearTimeout(this.#presentTimer);
    this.#presentTimer = undefined;
    if (!this.#text || !this.#cursor || !this.#connected || this.#closed) return;
    this.#call(this.#client.ctn().present({
      clientID: this.#text.editor, version: this.#text.version,
      anchor: this.#text.confirmed(this.#cursor.anchor), head: this.#text.confirmed(this.#cursor.head),
    })).catch(() => {}); // the next move tells again
  }

  /** What is misspelled in parts of the text of a version. */
  spelled({ version, checked, found }) {
    if (!this.#text) return;
    const place = (range) => {
      const from = this.#text.onScreen(range.from, version, 1);
      const to = this.#text.onScreen(range.to, version, -1);
      return from >= 0 && to >= from ? [{ ...range, from, to }] : [];
    };
    this.#screen.spelled(checked.flatMap(place), found.flatMap(place));
  }

  /** Revisions, newest first: those before a version, or the newest if it is 0. */
  history(before) { return this.#call(this.#client.ctn().history(before)); }
  /** The text of a version, or the beginning of a long one. */
  textOf(version) { return this.#call(this.#client.ctn().read(version, 0)); }
  /** Makes the text of a version the current one. */
  restore(version) { return this.#call(this.#client.ctn().restore(version)); }

  /** Closes it. What is not saved is on disk, and goes at the next opening. */
  async close() {
    if (this.#closed) return;
    this.#screen.settle();
    this.#closed = true;
    this.#ended.abort();
    this.#client.forget(this);
    for (const timer of [this.#retry, this.#presentTimer, this.#confirmTimer, this.#leftTimer]) clearTimeout(timer);
    await this.#journalNow();
    await this.#journal?.close();
    this.#text?.close();
    if (this.#connected) await this.#call(this.#client.ctn().unsubscribe()).catch(() => {});
  }
}

/** Whether there is no way on from the text on the screen to that of the document. */
function isLost(error) {
  return error.name === 'VersionTooOld' || error.message === 'the document went another way than this editor';
}

/** What edits insert, for people. */
export function inserted(edits) {
  return edits.map(({ changes }) => changes
    .filter((part) => Array.isArray(part) && part.length > 1)
    .map(([, ...lines]) => lines.join('\n')).join(' ')).join('').trim();
}
