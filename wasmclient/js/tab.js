// The tab's part of a client's address: kept across reloads, different in a duplicated
// tab.

const key = 'lmz_tab';
const freeKey = 'lmz_tab_free'; // the id, while no page of this tab uses it: the next need not probe
// Milliseconds for the original of a duplicated tab to answer. Only after a crash does a tab
// wait this long.
const copyTimeout = 1000;

const own = new Set(); // ids that clients of this page use

/** The tab id of one client. */
export class Tab {
  #id;
  #channel;
  #unlisten = () => {};

  /** Returns 8 hexadecimal digits that no other client uses; the same again while possible. */
  async take({ sessionStorage, BroadcastChannel }) {
    if (this.#channel) return this.#id;
    if (!sessionStorage || !BroadcastChannel) return (this.#id ??= fresh());
    const first = own.size === 0; // the id of a second client of this page is not stored
    const wanted = this.#id ?? read(sessionStorage);
    this.#id = wanted && !own.has(wanted) ? wanted : fresh();
    own.add(this.#id); // before awaiting: another client may call this meanwhile
    if (this.#id === wanted && read(sessionStorage, freeKey) !== wanted && (await taken(wanted, BroadcastChannel))) {
      own.delete(wanted);
      own.add((this.#id = fresh()));
    }
    if (first) this.#keep(sessionStorage);
    this.#channel = new BroadcastChannel(this.#id);
    this.#channel.unref?.(); // does not keep a Node.js process alive
    this.#channel.onmessage = ({ data }) => {
      if (data === 'probe') this.#channel.postMessage('in-use');
    };
    return this.#id;
  }

  /** Stores the id for the next page of this tab. */
  #keep(storage) {
    write(storage, key, this.#id);
    write(storage, freeKey, '');
    const events = { pagehide: () => write(storage, freeKey, this.#id), pageshow: () => write(storage, freeKey, '') };
    for (const [type, f] of Object.entries(events)) globalThis.addEventListener?.(type, f);
    this.#unlisten = () => {
      for (const [type, f] of Object.entries(events)) globalThis.removeEventListener?.(type, f);
    };
  }

  /** Makes the id available to other clients. */
  release() {
    if (!this.#channel) return;
    this.#unlisten();
    this.#channel.close();
    this.#channel = undefined;
    own.delete(this.#id);
  }
}

/**
 * Returns a tab id that no other client uses, for programs that make instance names
 * themselves. It is stored if possible.
 */
export function getOrCreateTabId(platform = {}) {
  return new Tab().take(platform);
}

// Storage may be full or blocked: then the id lasts as long as the page.

function read(storage, name = key) {
  try {
    const id = storage.getItem(name);
    return /^[0-9a-f]{8}$/.test(id ?? '') ? id : undefined;
  } catch {
    return undefined;
  }
}

function write(storage, name, id) {
  try {
    storage.setItem(name, id);
  } catch { /* see above */ }
}

function fresh() {
  return Array.from(crypto.getRandomValues(new Uint8Array(4)), (b) => b.toString(16).padStart(2, '0')).join('');
}

/** Reports whether another tab, such as the original of this one, uses the id. */
function taken(id, BroadcastChannel) {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(id);
    const end = (answer) => {
      channel.close();
      resolve(answer);
    };
    channel.onmessage = () => end(true);
    channel.postMessage('probe');
    setTimeout(() => end(false), copyTimeout);
  });
}
