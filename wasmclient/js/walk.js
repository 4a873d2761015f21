// Where in a value whoever walks it is: errors name the path.

/** Matches half of a surrogate pair, which is no character and has no UTF-8. */
export const halfPair = /\p{Surrogate}/gu;

const maxPath = 200; // characters of a path in an error

/** A walk through a value. */
export class Walk {
  #path = [];
  #stopped; // the error that ended it

  /** Runs walk. Whatever it throws, from code of the value's own too (getters, a Proxy), gets the path. */
  run(walk) {
    try {
      return walk(this);
    } catch (error) {
      throw this.#stopped ?? this.fault(TypeError, String(error?.message ?? error));
    }
  }

  /** Runs walk one step further: a name, or the number of an element. */
  within(step, walk) {
    this.#path.push(step);
    const result = walk();
    this.#path.pop();
    return result;
  }

  /** Returns an error of this place. */
  fault(type, why) {
    let path = this.#path.map((p, i) => (typeof p === 'number' ? `[${p}]` : i > 0 ? `.${p}` : p)).join('');
    if (path.length > maxPath) path = `${path.slice(0, maxPath)}...`;
    return new type((path === '' ? why : `${path}: ${why}`).replace(halfPair, '\ufffd'));
  }

  /** Ends the walk with an error. */
  stop(error) {
    throw (this.#stopped = error);
  }

  /** Ends the walk: what is here cannot be sent, or read. */
  refuse(why) {
    this.stop(this.fault(TypeError, why));
  }
}
