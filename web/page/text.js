// Collaborative text: the core of package text in the WASM module, for editors such as
// CodeMirror, whose ChangeSet.toJSON is the form of changes here. It needs a module that
// was built with the tag text.

import { load } from './lmz/lmz.js';

/** Calls an operation of the module on a text. */
function enter(border, operation, id, ...rest) {
  const result = border.text(operation, id, ...rest);
  if (result?.wrong !== undefined) throw new Error(result.wrong);
  return result;
}

async function core() {
  const { border } = await load();
  if (!border.text) throw new Error('this lmz.wasm was built without the tag text');
  return border;
}

/**
 * What edits that were not pushed, each based on the one before, are after one that a
 * document has made of the text of the first: if it is just that first one, the others.
 */
export async function rebase(edits, { version, clientID, number, changes }) {
  return enter(await core(), 'rebase', 0, edits, version, clientID, number, changes);
}

/** How many of some edits one push can have. */
export async function batch(edits) {
  return enter(await core(), 'batch', 0, edits);
}

/**
 * One editor's side of a shared text: what is on the screen is the document's text of
 * some version and what was typed since. Positions count UTF-16 units.
 */
export class SharedText {
  #enter;
  #id;

  constructor(enter, editor, version, text) {
    this.#enter = enter;
    this.editor = editor;
    this.#id = enter('new', 0, editor, version, text);
  }

  /**
   * Makes a shared text. The editor is a random name, made for this opening of a
   * document.
   */
  static async open(editor, version, text) {
    const border = await core();
    return new SharedText((...call) => enter(border, ...call), editor, version, text);
  }

  #do(operation, ...rest) {
    return this.#enter(operation, this.#id, ...rest);
  }

  get version() { return this.#do('version'); }
  /** The text on the screen. */
  get text() { return this.#do('text'); }
  /** Whether the document has everything that was typed. */
  get saved() { return this.#do('saved'); }
  /** Whether the document took edits of which receive did not hear yet. */
  get awaits() { return this.#do('awaits'); }
  /** What the document may not have yet: {version, edits}, to push at a later opening. */
  get unsaved() { return this.#do('unsaved'); }

  /** Makes a change of the user. */
  edit(changes) { this.#do('edit', changes); }
  /** Takes what the document has made; returns what it changes on the screen. */
  receive({ version, clientID, number, changes }) { return this.#do('receive', version, clientID, number, changes); }
  /** What is to be pushed now, {version, edits}, or null. End with pushed or pushFailed. */
  push() { return this.#do('push'); }
  pushed(version) { this.#do('pushed', version); }
  pushFailed() { this.#do('pushFailed'); }
  /** Takes back the last step of this user; returns what it changes on the screen, or null. */
  undo() { return this.#do('undo'); }
  redo() { return this.#do('redo'); }
  /** Ends a step of the undo history. */
  boundary() { this.#do('boundary'); }
  /** Where a position on the screen is in the document's text of this.version. */
  confirmed(position) { return this.#do('confirmed', position); }
  /** Where a position of a version is on the screen, or -1 if that is not known. */
  onScreen(position, version = this.version, side = -1) { return this.#do('onScreen', position, version, side); }
  close() { this.#do('close'); }
}
