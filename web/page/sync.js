// The sync engine of an open document: text.Sync of the WASM module, which decides what is
// asked of the document, and when. It needs a module that was built with the tag text.

import { load } from './lmz/lmz.js';

/** What keeps a text on the screen in step with a document. Positions count UTF-16 units. */
export class Sync {
  #text; // function of the module: (event, number, ...) to JSON: [value, effects], or the message of an error
  #number;
  #effects;
  #todo = [];
  #busy = false;
  #state;

  /** Makes one. What it wants done it asks of the method of effects that is called so. */
  static async open(effects) {
    const { border } = await load();
    if (!border.text) throw new Error('this lmz.wasm was built without the tag text');
    return new Sync(border.text, effects);
  }

  constructor(text, effects) {
    this.#text = text;
    this.#effects = effects;
    [this.#number] = JSON.parse(text('new', 0));
  }

  /** Tells of an event and begins what follows from it. Returns what the event returns. */
  tell(event, ...args) {
    this.#state = undefined;
    const answer = JSON.parse(this.#text(event, this.#number, ...args) ?? '"the module has ended"');
    if (typeof answer === 'string') throw new Error(answer);
    const [value, effects = []] = answer;
    this.#todo.push(...effects);
    if (this.#busy) return value;
    this.#busy = true;
    try {
      while (this.#todo.length > 0) {
        const [effect, ...rest] = this.#todo.shift();
        this.#effects[effect](...rest);
      }
    } finally {
      this.#busy = false;
    }
    return value;
  }

  /** What there is to show, apart from the text. */
  get state() {
    if (!this.#state) {
      const [ready, replacing, saved, version, editor, by, step, problem, unkept] = this.tell('state');
      this.#state = { ready, replacing, saved, version, editor, by, step, problem, unkept };
    }
    return this.#state;
  }

  /** Others who are here, as {clientID, name, color, anchor, head} on the screen. */
  get people() { return this.tell('people'); }

  /** Where a position in the text of a version is on the screen, or -1 if that is not known. */
  onScreen(position, version, side) { return this.tell('onScreen', position, version, side); }
}
