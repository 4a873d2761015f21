// The tab's part of a client's address: kept over reloads, different in a copy of
// the tab.

const key = 'lmz_tab';
const freeKey = 'lmz_tab_free'; // the id, while no page of this tab has it: the next one need not ask
const copyTimeout = 1000; // milliseconds that the original of a copied tab may take to answer: only a tab that crashed waits so long

const own = new Set(); // ids that clients of this page have

/** The tab id of one client. */
export class Tab {
  #id;
  #channel;
  #unlisten = () => {};

  /** Returns 8 hexadecimal digits that no other client has; the same ones again while that is so. */
  async take({ sessionStorage, BroadcastChannel }) {
    if (this.#channel) return this.#id;
    if (!sessionStorage || !BroadcastChannel) return (this.#id ??= fresh());
    const first = own.size === 0; // a second client of this page is not kept
    const wanted = this.#id ?? read(sessionStorage);
    this.#id = wanted && !own.has(wanted) ? wanted : fresh();
    own.add(this.#id); // before waiting: another client may ask meanwhile
    if (this.#id === wanted && read(sessionStorage, freeKey) !== wanted && (await taken(wanted, BroadcastChannel))) {
      own.delete(wanted);
      own.add((this.#id = fresh()));
    }
    if (first) this.#keep(sessionStorage);
    this.#channel = new BroadcastChannel(this.#id);
    this.#channel.unref?.(); // keeps no Node process alive
    this.#channel.onmessage = ({ data }) => {
      if (data === 'probe') this.#channel.postMessage('in-use');
    };
    return this.#id;
  }

  /** Keeps the id for the next page of this tab. */
  #keep(storage) {
    write(storage, key, this.#id);
    write(storage, freeKey, '');
    const events = { pagehide: () => write(storage, freeKey, this.#id), pageshow: () => write(storage, freeKey, '') };
    for (const [type, f] of Object.entries(events)) globalThis.addEventListener?.(type, f);
    this.#unlisten = () => {
      for (const [type, f] of Object.entries(events)) globalThis.removeEventListener?.(type, f);
    };
  }

  /** Lets another client have the id. */
  release() {
    if (!this.#channel) return;
    this.#unlisten();
    this.#channel.close();
    this.#channel = undefined;
    own.delete(this.#id);
  }
}

/** A tab id that no other client has, for programs that make instance names themselves. It is kept where there is storage. */
export function getOrCreateTabId(platform = {}) {
  return new Tab().take(platform);
}

// Storage may be full or forbidden: the id lasts as long as the page then.

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
    setTimeout(() => end(false), copyTimeout);
  });
}
