// What was typed and the document may not have yet, on disk. Each opening of a document
// has an entry, named after its editor, and holds a lock as long as it lives: what is
// not locked is left of a tab that was closed or has died.

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

/** Runs one request in a transaction of its own; strict ones are on disk when it ends. */
async function once(mode, ask) {
  const transaction = (await database()).transaction(storeName, mode, { durability: mode === 'readwrite' ? 'strict' : 'default' });
  const request = ask(transaction.objectStore(storeName));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error);
  });
}

export class Journal {
  #key;
  #release;
  #held;
  #empty = true; // nothing of it is on disk

  /** Begins the journal of one opening of a document. */
  static async open(account, document, editor) {
    const journal = new Journal();
    journal.#key = [account, document, editor];
    await new Promise((locked) => {
      journal.#held = navigator.locks.request(lockName(journal.#key), () => new Promise((release) => {
        journal.#release = release;
        locked();
      }));
    });
    return journal;
  }

  /** Has {version, edits} on disk when it resolves. Nothing unsaved needs no entry. */
  async keep(unsaved) {
    if (unsaved.edits.length > 0) {
      this.#empty = false;
      await once('readwrite', (store) => store.put(unsaved, this.#key));
    } else if (!this.#empty) {
      this.#empty = true;
      await once('readwrite', (store) => store.delete(this.#key));
    }
  }

  async close() {
    this.#release();
    await this.#held;
  }

  /**
   * Hands what others left of a document to push, with a function that forgets it; push
   * resolves with whether it is to be forgotten at once. For those that still live it
   * waits, until the signal.
   */
  static async eachLeft(account, document, signal, push) {
    const range = IDBKeyRange.bound([account, document, ''], [account, document, []]);
    const keys = await once('readonly', (store) => store.getAllKeys(range));
    await Promise.all(keys.map((key) => navigator.locks.request(lockName(key), { signal }, async () => {
      const unsaved = await once('readonly', (store) => store.get(key));
      const drop = () => once('readwrite', (store) => store.delete(key));
      if (unsaved && await push(unsaved, drop)) await drop();
    })));
  }
}

function lockName(key) {
  return `lmz-unsaved:${JSON.stringify(key)}`;
}
