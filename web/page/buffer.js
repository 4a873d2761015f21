// What the page knows of one document. The rules are those of examples/editor.Buffer.

/**
 * The text on the screen, what the document has, and a text that arrived meanwhile.
 * An arriving text replaces the one on the screen only if everything typed is saved.
 * Otherwise it is held until somebody takes it.
 */
export class Buffer {
  text = ''; // on the screen
  held = null; // the change that arrived over unsaved typing
  version = 0; // of the document, as far as we know

  #saved = ''; // what the document has, as far as we know
  #saving = false;
  #sent = ''; // the text that is being saved

  /** Whether something typed is not saved. */
  get dirty() {
    return this.#saving || this.text !== this.#saved;
  }

  /** Takes a change {content, version, by}; returns whether the text on the screen changed. */
  arrive(change) {
    if (change.version <= this.version) return false;
    this.version = change.version;
    if (change.content === this.#saved) {
      this.held = null; // it is not the document's text any more
      return false;
    }
    if (change.content === this.text) {
      this.#saved = change.content;
      this.held = null;
      return false;
    }
    if (this.dirty) {
      this.held = change;
      return false;
    }
    this.text = this.#saved = change.content;
    return true;
  }

  /** Returns the text to save, or null if there is none or a save is under way. */
  beginSave() {
    if (this.#saving || this.text === this.#saved) return null;
    this.#saving = true;
    this.#sent = this.text;
    return this.#sent;
  }

  /** The document has the text of beginSave now, as this version. */
  saved(version) {
    this.#saving = false;
    this.#saved = this.#sent;
    this.version = Math.max(this.version, version);
  }

  /** Nobody knows whether it has; the next beginSave returns the text again. */
  saveFailed() {
    this.#saving = false;
  }

  /** Puts the held text on the screen. What was typed instead of it is gone. */
  take() {
    if (!this.held) return;
    this.text = this.held.content;
    if (this.held.version >= this.version && !this.#saving) this.#saved = this.text;
    this.held = null;
  }

  /** Forgets the held text. */
  keep() {
    this.held = null;
  }
}

/** Where a caret at position is after before has become after. */
export function moveCaret(position, before, after) {
  let head = 0;
  const most = Math.min(before.length, after.length);
  while (head < most && before[head] === after[head]) head++;
  if (position <= head) return position;
  let tail = 0;
  while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  return position >= before.length - tail ? position + after.length - before.length : head;
}
