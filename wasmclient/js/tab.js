// The tab's part of a client's address: kept over reloads, different in a copy of
// the tab.

const key = 'lmz_tab';

// How long another tab may take to answer, in milliseconds. A page that was reloaded is
// no copy: who has its id then is another client of this page, which is not busy.
const reloadTimeout = 50, copyTimeout = 250;

const own = new Set(); // ids that clients of this page have

/** The tab id of one client. */
export class Tab {
  #id;
  #channel;

  /** Returns 8 hexadecimal digits that no other client has; the same ones again while that is so. */
  async take({ sessionStorage, BroadcastChannel }) {
    if (this.#channel) return this.#id;
    if (!sessionStorage || !BroadcastChannel) return (this.#id ??= fresh());
    const first = own.size === 0; // a second client of this page is not kept
    const wanted = this.#id ?? read(sessionStorage);
    this.#id = wanted && !own.has(wanted) ? wanted : fresh();
    own.add(this.#id); // before waiting: another client may ask meanwhile
    if (this.#id === wanted && (await taken(wanted, BroadcastChannel))) {
      own.delete(wanted);
      own.add((this.#id = fresh()));
    }
    if (first) write(sessionStorage, this.#id);
    this.#channel = new BroadcastChannel(this.#id);
    this.#channel.unref?.(); // keeps no Node process alive
    this.#channel.onmessage = ({ data }) => {
      if (data === 'probe') this.#channel.postMessage('in-use');
    };
    return this.#id;
  }

  /** Lets another client have the id. */
  release() {
    if (!this.#channel) return;
    this.#channel.close();
    this.#channel = undefined;
    own.delete(this.#id);
  }
}

// Storage may be full or forbidden: the id lasts as long as the page then.

function read(storage) {
  try {
    const id = storage.getItem(key);
    return /^[0-9a-f]{8}$/.test(id ?? '') ? id : undefined;
  } catch {
    return undefined;
  }
}

function write(storage, id) {
  try {
    storage.setItem(key, id);
  } catch { /* see above */ }
}

function fresh() {
  return Array.from(crypto.getRandomValues(new Uint8Array(4)), (b) => b.toString(16).padStart(2, '0')).join('');
}

/** Asks the other tabs, one of which may be the original of this one. */
function taken(id, BroadcastChannel) {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(id);
    const end = (answer) => {
      channel.close();
      resolve(answer);
    };
    channel.onmessage = () => end(true);
    channel.postMessage('probe');
    const [navigation] = globalThis.performance?.getEntriesByType?.('navigation') ?? [];
    setTimeout(() => end(false), navigation?.type === 'reload' ? reloadTimeout : copyTimeout);
  });
}
