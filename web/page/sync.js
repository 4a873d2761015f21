// The sync engine of an open document: text.Sync of the WASM module, which decides what to
// ask of the document, and when. It needs a module built with the tag text.

import { load } from './lmz/lmz.js';

/** Keeps a text on the screen in sync with a document. Positions count UTF-16 units. */
export class Sync {
  #text; // the module's function: (event, number, ...) to JSON, [value, effects] or an error
  #number;
  #effects;
  #todo = [];
  #busy = false;
  #state;

  /** Makes one. It performs each effect by calling the method of effects with that name. */
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

  /** Sends an event, starts its effects, and returns its result. */
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

  /** What the page shows, apart from the text. */
  get state() {
    if (!this.#state) {
      const [ready, replacing, saved, version, editor, by, step, problem, unkept] = this.tell('state');
      this.#state = { ready, replacing, saved, version, editor, by, step, problem, unkept };
    }
    return this.#state;
  }

  /** The other people here: {clientID, name, color, anchor, head}, as on the screen. */
  get people() { return this.tell('people'); }

  /** Maps a position in the text of a version to the screen; -1 if unknown. */
  onScreen(position, version, side) { return this.tell('onScreen', position, version, side); }
}
