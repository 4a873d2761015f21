// The text on the screen: CodeMirror, in an element of its own, so that its styles are
// allowed by a strict content policy.

import { defaultKeymap } from '@codemirror/commands';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Annotation, ChangeSet, Compartment, EditorSelection, EditorState } from '@codemirror/state';
import { drawSelection, dropCursor, EditorView, highlightSpecialChars, keymap, placeholder } from '@codemirror/view';
import { people, setPeople } from './people.js';
import { findings, setSpelling, spelling } from './spelling.js';

const notTyped = Annotation.define(); // on transactions that the shared text knows already

const theme = EditorView.theme({
  '&': { color: 'var(--ink)', background: 'transparent', font: '1.06rem/1.75 var(--sans)', minHeight: 'max(18rem, 55vh)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'inherit', lineHeight: 'inherit', minHeight: 'max(18rem, 55vh)' },
  '.cm-content': { padding: '1.35rem 0', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 1.5rem' },
  '.cm-cursor': { borderLeft: '2px solid var(--ink)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': { background: 'var(--select)' },
  '.cm-placeholder': { color: 'var(--soft)' },
  '.cm-panels': { background: 'var(--paper)', color: 'var(--ink)', borderColor: 'var(--line)', font: '.9rem/1.5 var(--sans)' },
  '.cm-panels input, .cm-panels button': { font: 'inherit', color: 'inherit', background: 'var(--ground)', border: '1px solid var(--line)', borderRadius: '6px', padding: '.2rem .5rem' },
  '.cm-searchMatch': { background: 'var(--warn-bg)', outline: '1px solid var(--warn)' },
  '.cm-searchMatch-selected': { background: 'var(--select)' },
  '.cm-tooltip': { background: 'var(--paper)', border: '1px solid var(--line)', borderRadius: '10px', boxShadow: 'var(--shadow)', color: 'var(--ink)' },
});

/** The editor on the page. Set its callbacks before show. */
export class TextView extends HTMLElement {
  onTyped = () => {}; // changes, as of ChangeSet.toJSON
  onMoved = () => {}; // anchor, head
  onUndo = () => false;
  onRedo = () => false;
  onRefused = () => {}; // why a change was not taken
  onFindings = () => {}; // misspelled words: [{from, to, word, suggestions}]

  #view;
  #writable = new Compartment();
  #label = new Compartment();

  connectedCallback() {
    const root = this.attachShadow({ mode: 'open', delegatesFocus: true });
    this.#view = new EditorView({ root, parent: root, state: this.#state('') });
  }

  #state(text) {
    const undo = { run: () => this.onUndo(), preventDefault: true };
    const redo = { run: () => this.onRedo(), preventDefault: true };
    return EditorState.create({
      doc: text,
      extensions: [
        EditorState.lineSeparator.of('\n'), // \r is a character like any other: nothing is changed in silence
        EditorState.tabSize.of(4), EditorView.lineWrapping, theme, drawSelection(), dropCursor(), highlightSpecialChars(),
        highlightSelectionMatches(), search({ top: true }), people(), spelling(),
        placeholder('Write something. Everyone who has this document open sees it.'),
        keymap.of([{ key: 'Mod-z', ...undo }, { key: 'Mod-y', ...redo }, { key: 'Mod-Shift-z', ...redo }, ...searchKeymap, ...defaultKeymap]),
        this.#writable.of(EditorView.editable.of(false)),
        this.#label.of([]),
        EditorState.changeFilter.of((transaction) => this.#allowed(transaction)),
        EditorView.updateListener.of((update) => this.#updated(update)),
      ],
    });
  }

  /** Half of a character cannot be shared: it is refused, and whoever typed it is told. */
  #allowed(transaction) {
    if (!transaction.docChanged || transaction.annotation(notTyped)) return true;
    let whole = true;
    transaction.changes.iterChanges((fromA, toA, fromB, toB, inserted) => { whole &&= inserted.toString().isWellFormed(); });
    if (!whole) this.onRefused('That text holds half a character, which cannot be shared. It was not inserted.');
    return whole;
  }

  #updated(update) {
    for (const transaction of update.transactions) {
      if (transaction.docChanged && !transaction.annotation(notTyped)) this.onTyped(transaction.changes.toJSON());
    }
    const { anchor, head } = update.state.selection.main;
    if (update.docChanged || update.selectionSet) this.onMoved(anchor, head);
    const before = update.startState.field(findings), after = update.state.field(findings);
    if (before !== after) this.onFindings(this.findings);
  }

  /** Shows a document's text, for reading until writable is set. */
  show(text, label) {
    this.#view.setState(this.#state(text));
    this.#view.dispatch({
      effects: this.#label.reconfigure(EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', autocapitalize: 'sentences' })),
      selection: EditorSelection.cursor(text.length), // a document that was just opened: go on at its end
    });
    this.onFindings([]);
  }

  set writable(on) {
    this.#view.dispatch({ effects: this.#writable.reconfigure(EditorView.editable.of(on)) });
  }

  get writable() { return this.#view.state.facet(EditorView.editable); }

  get text() { return this.#view.state.doc.toString(); }

  /** Changes that the shared text knows already: those of others, undo, redo. */
  change(changes) {
    const set = ChangeSet.fromJSON(changes);
    if (!set.empty) this.#view.dispatch({ changes: set, annotations: notTyped.of(true) });
  }

  set people(all) {
    const length = this.#view.state.doc.length;
    const here = all.filter((p) => p.anchor >= 0 && p.head >= 0 && Math.max(p.anchor, p.head) <= length);
    this.#view.dispatch({ effects: setPeople.of(here) });
  }

  spelled(checked, found) {
    const length = this.#view.state.doc.length;
    const within = (range) => range.to <= length;
    this.#view.dispatch({ effects: setSpelling.of({ checked: checked.filter(within), found: found.filter(within) }) });
  }

  /** The misspelled words, where they are now. */
  get findings() {
    const all = [];
    this.#view.state.field(findings).between(0, this.#view.state.doc.length, (from, to, mark) => {
      all.push({ from, to, ...mark.spec.finding });
    });
    return all;
  }

  /** Replaces ranges as if that had been typed. */
  replace(ranges, text) {
    this.#view.dispatch({ changes: ranges.map(({ from, to }) => ({ from, to, insert: text })), userEvent: 'input.complete' });
    this.focus();
  }

  /** For tests and scripts: inserts a text at a place, as if it had been typed there. */
  insert(at, text) {
    this.#view.dispatch({ changes: { from: at, insert: text }, selection: { anchor: at + text.length }, userEvent: 'input.type' });
  }

  focus(options) {
    this.#view.contentDOM.focus(options);
  }
}

customElements.define('text-view', TextView);
