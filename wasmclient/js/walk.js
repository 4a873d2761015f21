// Tracks the path of a walk through a value, which errors name.

/** Matches an unpaired surrogate, which is not a character and has no UTF-8 encoding. */
export const halfPair = /\p{Surrogate}/gu;

const maxPath = 200; // characters of a path in an error

/** A walk through a value. */
export class Walk {
  #path = [];
  #stopped; // the error that ended it

  /** Runs walk. Its errors get the path, even those of the value's own getters or a Proxy. */
  run(walk) {
    try {
      return walk(this);
    } catch (error) {
      throw this.#stopped ?? this.fault(TypeError, String(error?.message ?? error));
    }
  }

  /** Runs walk one step deeper: at a name, or the index of an element. */
  within(step, walk) {
    this.#path.push(step);
    const result = walk();
    this.#path.pop();
    return result;
  }

  /** Returns an error that names the current path. */
  fault(type, why) {
    let path = this.#path.map((p, i) => (typeof p === 'number' ? `[${p}]` : i > 0 ? `.${p}` : p)).join('');
    if (path.length > maxPath) path = `${path.slice(0, maxPath)}...`;
    return new type((path === '' ? why : `${path}: ${why}`).replace(halfPair, '\ufffd'));
  }

  /** Ends the walk with an error. */
  stop(error) {
    throw (this.#stopped = error);
  }

  /** Ends the walk: the value here cannot be sent or read. */
  refuse(why) {
    this.stop(this.fault(TypeError, why));
  }
}
