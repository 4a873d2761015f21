// The cursors and selections of others, as CodeMirror draws them.

import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, WidgetType } from '@codemirror/view';
import { named } from './shown.js';

/** The other people: [{clientID, name, color, anchor, head}]. */
export const setPeople = StateEffect.define();

export const colors = 6; // as many as in cursors.css: --peer-0 and so on

class Caret extends WidgetType {
  constructor(name, color) {
    super();
    this.name = name;
    this.color = color;
  }

  eq(other) { return other.name === this.name && other.color === this.color; }

  toDOM() {
    const caret = document.createElement('span');
    caret.className = `peer-caret peer-${this.color % colors}`;
    caret.setAttribute('aria-hidden', 'true'); // the list of people says who is here
    const name = document.createElement('span');
    name.className = 'peer-name';
    name.append(named(this.name));
    caret.append(name);
    return caret;
  }

  ignoreEvent() { return true; }
}

function decorate(all) {
  const ranges = [];
  for (const { name, color, anchor, head } of all) {
    ranges.push(Decoration.widget({ widget: new Caret(name || 'somebody', color), side: 1 }).range(head));
    if (anchor !== head) {
      ranges.push(Decoration.mark({ class: `peer-selection peer-${color % colors}` }).range(Math.min(anchor, head), Math.max(anchor, head)));
    }
  }
  return Decoration.set(ranges, true);
}

const field = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) if (effect.is(setPeople)) return decorate(effect.value);
    return marks.map(transaction.changes);
  },
  provide: (f) => EditorView.decorations.from(f),
});

const theme = EditorView.baseTheme({
  '.peer-caret': { position: 'relative', display: 'inline-block', width: 0, height: '1.2em', verticalAlign: 'text-bottom', borderLeft: '2px solid var(--peer)', marginLeft: '-1px', marginRight: '-1px' },
  '.peer-name': { position: 'absolute', left: '-1px', bottom: '100%', padding: '0 .35em', borderRadius: '4px 4px 4px 0', background: 'var(--peer)', color: 'var(--on-peer)', font: '600 .68rem/1.5 var(--sans)', whiteSpace: 'nowrap', maxWidth: '16rem', overflow: 'hidden', textOverflow: 'ellipsis', pointerEvents: 'none' },
  '.cm-line:first-child .peer-name': { bottom: 'auto', top: '100%', borderRadius: '0 4px 4px 4px' },
  '.peer-selection': { background: 'color-mix(in srgb, var(--peer) 25%, transparent)' },
  ...Object.fromEntries(Array.from({ length: colors }, (_, i) => [`.peer-${i}`, { '--peer': `var(--peer-${i})` }])),
});

export const people = () => [field, theme];
