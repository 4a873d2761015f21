// The text on the screen: CodeMirror in a custom element, whose styles are allowed under a
// strict content security policy.

import { highlightSelectionMatches, search } from '@codemirror/search';
import { Annotation, ChangeSet, Compartment, EditorSelection, EditorState, Transaction } from '@codemirror/state';
import { drawSelection, dropCursor, EditorView, highlightSpecialChars, placeholder } from '@codemirror/view';
import { keys } from './keys.js';
import { people, setPeople } from './cursors.js';
import { findings, setSpelling, spelling } from './spelling.js';

// Milliseconds until a composed word is shared: after its end or last change; and after its
// last change on phones, which compose every word and do not end the last one.
const settleDelay = 50;
const idleLimit = /Android/.test(navigator.userAgent) ? 2000 : Infinity;

const notTyped = Annotation.define(); // on transactions that are already in the shared text

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

// On Android CodeMirror would use an EditContext, which garbles a word being composed when
// others type in its line.
EditorView.EDIT_CONTEXT = false;

/** The editor on the page. Set its callbacks before show. */
export class TextView extends HTMLElement {
  onTyped = () => {}; // changes, in the form of ChangeSet.toJSON
  onMoved = () => {}; // anchor, head
  onUndo = () => false;
  onRedo = () => false;
  onRefused = () => {}; // why a change was refused
  onFindings = () => {}; // misspelled words: [{from, to, word, suggestions}]
  onComposing = () => {}; // a composition began or ended

  #view;
  #held = null; // the composition: a change that is not yet in the shared text
  #waits = null; // changes by others, delayed because they touch the composition
  #heldTimer;
  #writable = new Compartment();
  #label = new Compartment();

  connectedCallback() {
    const root = this.attachShadow({ mode: 'open', delegatesFocus: true });
    this.#view = new EditorView({ root, parent: root, state: this.#state('') });
    addEventListener('visibilitychange', () => { if (document.hidden) this.settle(); });
  }

  #state(text) {
    const undo = () => { this.settle(); return this.onUndo(); };
    const redo = () => { this.settle(); return this.onRedo(); };
    return EditorState.create({
      doc: text,
      extensions: [
        EditorState.lineSeparator.of('\n'), // an old document may contain \r, which is shown as it is
        EditorState.transactionFilter.of(withoutReturns),
        EditorState.tabSize.of(4), EditorView.lineWrapping, theme, drawSelection(), dropCursor(), highlightSpecialChars(),
        highlightSelectionMatches(), search({ top: true }), people(), spelling(),
        placeholder('Write something. Everyone who has this document open sees it.'),
        keys(undo, redo),
        this.#writable.of(EditorView.editable.of(false)),
        this.#label.of([]),
        EditorState.changeFilter.of((transaction) => this.#allowed(transaction)),
        EditorView.updateListener.of((update) => this.#updated(update)),
        EditorView.domEventObservers({ compositionstart: () => this.settle() }),
      ],
    });
  }

  /** Refuses half of a character, which cannot be shared, and tells the user. */
  #allowed(transaction) {
    if (!transaction.docChanged || transaction.annotation(notTyped)) return true;
    let whole = true;
    transaction.changes.iterChanges((fromA, toA, fromB, toB, inserted) => { whole &&= inserted.toString().isWellFormed(); });
    if (!whole) this.onRefused('That text contains half a character, which cannot be shared, so it was not inserted.');
    return whole;
  }

  #updated(update) {
    for (const transaction of update.transactions) {
      if (transaction.docChanged && !transaction.annotation(notTyped)) this.#typed(transaction.changes);
    }
    const { anchor, head } = update.state.selection.main;
    if (update.docChanged || update.selectionSet) this.onMoved(this.#shared(anchor), this.#shared(head));
    const before = update.startState.field(findings), after = update.state.field(findings);
    if (before !== after) this.onFindings(this.findings);
  }

  /**
   * Shares typed text at once, but a word being composed only when it is finished: until then
   * the screen shows the shared text with this change applied.
   */
  #typed(changes) {
    if (!this.#held && !this.#view.composing) {
      this.onTyped(changes.toJSON());
      return;
    }
    const first = !this.#held;
    this.#held = this.#held?.compose(changes) ?? changes;
    if (first) this.onComposing();
    this.#settleLater(performance.now() + idleLimit);
  }

  /** Settles later, because in some browsers a composition's last change follows its end. */
  #settleLater(idle) {
    clearTimeout(this.#heldTimer);
    this.#heldTimer = setTimeout(() => {
      if (this.#view.composing && performance.now() < idle) this.#settleLater(idle);
      else this.settle();
    }, settleDelay);
  }

  /** Whether a word being composed is not yet in the shared text. */
  get composing() { return this.#held !== null; }

  /** Shares what was composed so far, and shows the changes that waited for that. */
  settle() {
    clearTimeout(this.#heldTimer);
    let [held, waits] = [this.#held, this.#waits];
    this.#held = this.#waits = null;
    if (!held) return;
    if (waits) {
      this.#show(waits.map(held, true));
      held = held.map(waits);
    }
    if (!held.empty) this.onTyped(held.toJSON());
    this.onComposing();
  }

  /** Maps a position on the screen to the shared text. */
  #shared(at) {
    const before = this.#held?.invertedDesc.mapPos(at) ?? at;
    return this.#waits?.mapPos(before) ?? before;
  }

  /** Maps a position in the shared text to the screen; -1 stays. */
  #shown(at, side) {
    if (!this.#held || at < 0) return at;
    const before = this.#waits?.invertedDesc.mapPos(at, side) ?? at;
    return this.#held.mapPos(before, side);
  }

  /** Shows a text, read-only until writable is set. Call settle before: it ends a composition. */
  show(text, label) {
    clearTimeout(this.#heldTimer);
    this.#held = this.#waits = null;
    this.#view.setState(this.#state(text));
    this.#view.dispatch({
      effects: this.#label.reconfigure(EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', autocapitalize: 'sentences' })),
      selection: EditorSelection.cursor(text.length), // continue at the end of a newly opened document
    });
    this.onFindings([]);
  }

  set writable(on) {
    this.#view.dispatch({ effects: this.#writable.reconfigure(EditorView.editable.of(on)) });
  }

  get writable() { return this.#view.state.facet(EditorView.editable); }

  get text() { return this.#view.state.doc.toString(); }

  /** Shows changes that are already in the shared text: those of others, undo and redo. */
  change(changes) {
    let set = ChangeSet.fromJSON(changes);
    if (this.#held) {
      if (this.#waits || touches(set, this.#held)) {
        this.#waits = this.#waits?.compose(set) ?? set;
        return;
      }
      [set, this.#held] = [set.map(this.#held, true), this.#held.map(set)];
    }
    this.#show(set);
  }

  #show(set) {
    if (!set.empty) this.#view.dispatch({ changes: set, annotations: notTyped.of(true) });
  }

  set people(all) {
    const length = this.#view.state.doc.length;
    const here = all.map((p) => ({ ...p, anchor: this.#shown(p.anchor, -1), head: this.#shown(p.head, -1) })).filter((p) => p.anchor >= 0 && p.head >= 0 && Math.max(p.anchor, p.head) <= length);
    this.#view.dispatch({ effects: setPeople.of(here) });
  }

  spelled(checked, found) {
    const length = this.#view.state.doc.length;
    const here = (all) => all.map((range) => ({ ...range, from: this.#shown(range.from, 1), to: this.#shown(range.to, -1) }))
      .filter(({ from, to }) => from <= to && to <= length);
    this.#view.dispatch({ effects: setSpelling.of({ checked: here(checked), found: here(found) }) });
  }

  /** The misspelled words, where they are now. */
  get findings() {
    const all = [];
    this.#view.state.field(findings).between(0, this.#view.state.doc.length, (from, to, mark) => {
      all.push({ from, to, ...mark.spec.finding });
    });
    return all;
  }

  /** Replaces ranges as if the text had been typed. */
  replace(ranges, text) {
    this.#view.dispatch({ changes: ranges.map(({ from, to }) => ({ from, to, insert: text })), userEvent: 'input.complete' });
    this.focus();
  }

  /** For tests and scripts: inserts text at a position as if it had been typed there. */
  insert(at, text) {
    this.#view.dispatch({ changes: { from: at, insert: text }, selection: { anchor: at + text.length }, userEvent: 'input.type' });
  }

  focus(options) {
    this.#view.contentDOM.focus(options);
  }
}

/** Converts the line breaks of typed, pasted and dropped text to \n, as in the document. */
function withoutReturns(transaction) {
  if (!transaction.docChanged || transaction.annotation(notTyped)) return transaction;
  const changes = [];
  let end = 0, found = false;
  transaction.changes.iterChanges((from, to, fromNew, toNew, inserted) => {
    const text = inserted.toString(), insert = text.replace(/\r\n?/g, '\n');
    found ||= insert !== text;
    changes.push({ from, to, insert });
    end = to;
  });
  if (!found) return transaction;
  const set = transaction.startState.changes(changes);
  return { changes: set, selection: EditorSelection.cursor(set.mapPos(end, 1)), userEvent: transaction.annotation(Transaction.userEvent), scrollIntoView: true };
}

/** Reports whether changes touch: browsers abort a composition when text around it changes. */
function touches(set, other) {
  let does = false;
  other.iterChangedRanges((from, to) => { does ||= Boolean(set.touchesRange(from, to)); });
  return does;
}

customElements.define('text-view', TextView);
