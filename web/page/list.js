// The list of documents: its first page, and more pages when the user scrolls to the end.

import { named } from './shown.js';

const pageLength = 200; // names per request

/** Shows the documents in a list whose last item is a button for more. */
export class DocumentList {
  /** The names that are shown. */
  names = new Set();

  #client;
  #opened; // returns the open document, or null
  #list;
  #button;
  #empty;
  #loaded = []; // names, from the first on
  #next = ''; // the name after which more follow, or ''
  #busy = false;
  #stale = false; // a refresh was requested meanwhile

  constructor(client, opened, { list, button, empty }) {
    [this.#client, this.#opened, this.#list, this.#button, this.#empty] = [client, opened, list, button, empty];
    button.addEventListener('click', () => this.#more());
    new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) this.#more(); }, { root: list }).observe(button);
  }

  /** Reloads as many names as are shown. */
  refresh() {
    this.#stale = true;
    this.#run(async () => {
      while (this.#stale) {
        this.#stale = false;
        const shown = this.#loaded.length;
        let [names, next] = [[], ''];
        do [names, next] = await this.#page(names, next); while (next !== '' && names.length < shown);
        [this.#loaded, this.#next] = [names, next];
        this.#show();
      }
    });
  }

  #more() {
    if (this.#next === '') return;
    this.#run(async () => {
      [this.#loaded, this.#next] = await this.#page(this.#loaded, this.#next);
      this.#show();
    });
  }

  /** Returns names with the next page appended, and the name after which more follow, or ''. */
  async #page(names, after) {
    const page = await this.#client.documents(after, pageLength);
    return [[...names, ...page.names], page.next];
  }

  async #run(load) {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await load();
    } catch {
      this.#stale = false; // the next refresh will do
    } finally {
      this.#busy = false;
    }
    if (this.#stale) this.refresh();
  }

  #show() {
    const open = this.#opened();
    const names = open && open.version > 0 && !this.#loaded.includes(open.name) ? [...this.#loaded, open.name].sort() : this.#loaded;
    this.names = new Set(names);
    this.#empty.hidden = names.length > 0;
    const more = this.#button.parentElement;
    more.hidden = this.#next === '';
    this.#list.replaceChildren(...names.map((name) => {
      const link = document.createElement('a');
      link.href = `#${encodeURIComponent(name)}`;
      link.append(named(name));
      if (name === open?.name) link.setAttribute('aria-current', 'page');
      const item = document.createElement('li');
      item.append(link);
      return item;
    }), more);
  }
}
