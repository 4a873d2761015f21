// Misspelled words in CodeMirror, and the menu of suggestions.

import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, keymap, showTooltip } from '@codemirror/view';
import { isolated, named } from './shown.js';

/** New findings in parts of the text: {checked: [{from, to}], found: [{from, to, word, suggestions}]}. */
export const setSpelling = StateEffect.define();

const mark = (finding) => Decoration.mark({ class: 'wrong', finding });

/** Reports whether a range is exactly this word. */
function isWord(state, from, to, word) {
  const letter = /[\p{L}\p{M}']/u;
  return state.sliceDoc(from, to) === word && !letter.test(state.sliceDoc(Math.max(0, from - 1), from)) && !letter.test(state.sliceDoc(to, to + 1));
}

/** The marks under misspelled words. A word that changes loses its mark. */
export const findings = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    if (transaction.docChanged) marks = marks.map(transaction.changes).update({ filter: (from, to, { spec }) => isWord(transaction.state, from, to, spec.finding.word) });
    for (const effect of transaction.effects) {
      if (!effect.is(setSpelling)) continue;
      const { checked, found } = effect.value;
      marks = marks.update({
        filter: (from, to) => !checked.some((part) => part.from <= from && to <= part.to),
        add: found.filter((f) => f.from < f.to && isWord(transaction.state, f.from, f.to, f.word))
          .map(({ from, to, word, suggestions }) => mark({ word, suggestions: suggestions ?? [] }).range(from, to)),
        sort: true,
      });
    }
    return marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** The misspelled word at the cursor, or null. */
function findingAt(state) {
  const { main } = state.selection;
  let at = null;
  if (main.empty) {
    state.field(findings).between(main.head, main.head, (from, to, { spec }) => {
      at = { from, to, ...spec.finding };
      return false;
    });
  }
  return at;
}

const closeMenu = StateEffect.define();

/** The menu with suggestions below the misspelled word at the cursor. */
const menu = StateField.define({
  create: () => null,
  update(shown, transaction) {
    if (transaction.effects.some((effect) => effect.is(closeMenu))) return null;
    const news = transaction.effects.some((effect) => effect.is(setSpelling));
    if (!transaction.docChanged && !transaction.selection && !news) return shown;
    const finding = findingAt(transaction.state);
    if (!finding || finding.suggestions.length === 0 || transaction.docChanged) return null;
    return { pos: finding.from, above: false, create: (view) => ({ dom: menuFor(view, finding) }) };
  },
  provide: (field) => showTooltip.from(field),
});

function menuFor(view, finding) {
  const dom = document.createElement('div');
  dom.className = 'suggest';
  dom.setAttribute('role', 'group');
  dom.setAttribute('aria-label', `Spelling of ${isolated(finding.word)}`);
  for (const suggestion of finding.suggestions) {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(named(suggestion));
    button.setAttribute('aria-label', `Replace ${isolated(finding.word)} by ${isolated(suggestion)}`);
    button.addEventListener('mousedown', (event) => event.preventDefault()); // the text keeps the focus
    button.addEventListener('click', () => replaceBy(view, finding, suggestion));
    dom.append(button);
  }
  return dom;
}

function replaceBy(view, { from, to, word }, suggestion) {
  if (view.state.sliceDoc(from, to) !== word) return; // it has moved or changed meanwhile
  view.dispatch({ changes: { from, to, insert: suggestion }, selection: { anchor: from + suggestion.length }, userEvent: 'input.complete' });
  view.focus();
}

/** Alt-Enter takes the first suggestion for the word at the cursor. */
function takeFirst(view) {
  const finding = findingAt(view.state);
  if (!finding || finding.suggestions.length === 0) return false;
  replaceBy(view, finding, finding.suggestions[0]);
  return true;
}

const theme = EditorView.baseTheme({
  '.wrong': { textDecoration: 'underline wavy var(--bad) 1.5px', textDecorationSkipInk: 'none', textUnderlineOffset: '.2em' },
  '.suggest': { display: 'flex', gap: '.25rem', padding: '.3rem' },
  '.suggest button': { font: '500 .95rem/1.4 var(--sans)', minHeight: '2.1rem', padding: '.1rem .8rem', border: 0, borderRadius: '8px', background: 'transparent', color: 'var(--blue)', cursor: 'pointer' },
  '.suggest button:hover': { background: 'var(--hover)' },
});

export const spelling = () => [findings, menu, theme, keymap.of([
  { key: 'Alt-Enter', run: takeFirst },
  { key: 'Escape', run: (view) => { if (!view.state.field(menu)) return false; view.dispatch({ effects: closeMenu.of(null) }); return true; } },
])];
