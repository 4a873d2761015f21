// The edits that the document may not have yet, on disk. Each opening of a document has a
// record, named after its editor and locked while some tab is responsible for it: an unlocked
// record was left by a tab that was closed or crashed.

const databaseName = 'lmz';
const storeName = 'unsaved';

let opened; // promise of the database

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(databaseName, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(storeName);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  opened.catch(() => { opened = undefined; }); // it may work later
  return opened;
}

/** Runs one request in its own transaction, and resolves when what it wrote is on disk. */
async function once(mode, ask) {
  const transaction = (await database()).transaction(storeName, mode, { durability: mode === 'readwrite' ? 'strict' : 'default' });
  const request = ask(transaction.objectStore(storeName));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error);
  });
}

/** The records of one document and user that this opening is responsible for. */
export class Journal {
  #account;
  #document;
  #locks = new Map(); // by editor: {release, done}

  constructor(account, document) {
    this.#account = account;
    this.#document = document;
  }

  #key(editor) { return [this.#account, this.#document, editor]; }

  /** Acquires and holds the lock of an editor's record. Resolves once it is held. */
  lock(editor, signal, locked = () => true) {
    return new Promise((resolve, reject) => {
      const done = navigator.locks.request(lockName(this.#key(editor)), { signal }, async () => {
        if (await locked()) await new Promise((release) => { this.#locks.set(editor, { release, done }); resolve(); });
        else resolve();
      });
      done.catch(reject);
    });
  }

  /**
   * Writes {version, edits}. If there are no edits, deletes the record and, unless it is the
   * current one, releases its lock.
   */
  async keep(editor, unsaved, current) {
    if (unsaved.edits.length > 0) {
      await once('readwrite', (store) => store.put(unsaved, this.#key(editor)));
      return;
    }
    await once('readwrite', (store) => store.delete(this.#key(editor)));
    if (current) return;
    this.#locks.get(editor)?.release();
    this.#locks.delete(editor);
  }

  /** Takes over each record that others left as soon as its lock is free, until the signal. */
  async left(signal, take) {
    const range = IDBKeyRange.bound(this.#key(''), this.#key([]));
    const keys = await once('readonly', (store) => store.getAllKeys(range));
    await Promise.all(keys.filter(([, , editor]) => !this.#locks.has(editor)).map(async (key) => {
      const [, , editor] = key;
      let unsaved;
      await this.lock(editor, signal, async () => {
        unsaved = await once('readonly', (store) => store.get(key));
        return Boolean(unsaved);
      });
      if (unsaved) take(editor, unsaved);
    }));
  }

  /** Releases the locks of all records. */
  async close() {
    const locks = [...this.#locks.values()];
    this.#locks.clear();
    for (const { release } of locks) release();
    await Promise.all(locks.map(({ done }) => done));
  }
}

function lockName(key) {
  return `lmz-unsaved:${JSON.stringify(key)}`;
}
