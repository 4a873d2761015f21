// The key bindings: those of CodeMirror's default keymap that make sense without a
// programming language, whose machinery would be an eighth of the page's script.

import {
  addCursorAbove, addCursorBelow, copyLineDown, copyLineUp, cursorCharLeft, cursorCharRight,
  cursorDocEnd, cursorDocStart, cursorGroupLeft, cursorGroupRight, cursorLineBoundaryBackward, cursorLineBoundaryForward,
  cursorLineBoundaryLeft, cursorLineBoundaryRight, cursorLineDown, cursorLineEnd, cursorLineStart, cursorLineUp, cursorPageDown,
  cursorPageUp, deleteCharBackward, deleteCharForward, deleteGroupBackward, deleteGroupForward, deleteLine,
  deleteLineBoundaryBackward, deleteLineBoundaryForward, deleteToLineEnd, insertBlankLine, insertNewlineKeepIndent, moveLineDown,
  moveLineUp, selectAll, selectCharLeft, selectCharRight, selectDocEnd, selectDocStart,
  selectGroupLeft, selectGroupRight, selectLine, selectLineBoundaryBackward, selectLineBoundaryForward, selectLineBoundaryLeft,
  selectLineBoundaryRight, selectLineDown, selectLineEnd, selectLineStart, selectLineUp, selectPageDown, selectPageUp,
  simplifySelection, splitLine, toggleTabFocusMode, transposeChars,
} from '@codemirror/commands';
import { searchKeymap } from '@codemirror/search';
import { keymap } from '@codemirror/view';

const moves = [
  { key: 'ArrowLeft', run: cursorCharLeft, shift: selectCharLeft },
  { key: 'ArrowRight', run: cursorCharRight, shift: selectCharRight },
  { key: 'ArrowUp', run: cursorLineUp, shift: selectLineUp },
  { key: 'ArrowDown', run: cursorLineDown, shift: selectLineDown },
  { key: 'Mod-ArrowLeft', mac: 'Alt-ArrowLeft', run: cursorGroupLeft, shift: selectGroupLeft },
  { key: 'Mod-ArrowRight', mac: 'Alt-ArrowRight', run: cursorGroupRight, shift: selectGroupRight },
  { key: 'Home', run: cursorLineBoundaryBackward, shift: selectLineBoundaryBackward },
  { key: 'End', run: cursorLineBoundaryForward, shift: selectLineBoundaryForward },
  { mac: 'Cmd-ArrowLeft', run: cursorLineBoundaryLeft, shift: selectLineBoundaryLeft },
  { mac: 'Cmd-ArrowRight', run: cursorLineBoundaryRight, shift: selectLineBoundaryRight },
].map((binding) => ({ ...binding, preventDefault: true })).concat([
  { key: 'PageUp', mac: 'Ctrl-ArrowUp', run: cursorPageUp, shift: selectPageUp },
  { key: 'PageDown', mac: 'Ctrl-ArrowDown', run: cursorPageDown, shift: selectPageDown },
  { mac: 'PageUp', run: cursorPageUp, shift: selectPageUp },
  { mac: 'PageDown', run: cursorPageDown, shift: selectPageDown },
  { key: 'Mod-Home', run: cursorDocStart, shift: selectDocStart },
  { key: 'Mod-End', run: cursorDocEnd, shift: selectDocEnd },
  { mac: 'Cmd-ArrowUp', run: cursorDocStart, shift: selectDocStart },
  { mac: 'Cmd-ArrowDown', run: cursorDocEnd, shift: selectDocEnd },
  { key: 'Mod-a', run: selectAll },
  { key: 'Alt-l', mac: 'Ctrl-l', run: selectLine },
  { key: 'Mod-Alt-ArrowUp', run: addCursorAbove },
  { key: 'Mod-Alt-ArrowDown', run: addCursorBelow },
  { key: 'Escape', run: simplifySelection },
  { key: 'Ctrl-m', mac: 'Shift-Alt-m', run: toggleTabFocusMode },
]);

const changes = [
  { key: 'Enter', run: insertNewlineKeepIndent, shift: insertNewlineKeepIndent },
  { key: 'Mod-Enter', run: insertBlankLine },
  { key: 'Backspace', run: deleteCharBackward, shift: deleteCharBackward, preventDefault: true },
  { key: 'Delete', run: deleteCharForward, preventDefault: true },
  { key: 'Mod-Backspace', mac: 'Alt-Backspace', run: deleteGroupBackward, preventDefault: true },
  { key: 'Mod-Delete', mac: 'Alt-Delete', run: deleteGroupForward, preventDefault: true },
  { mac: 'Mod-Backspace', run: deleteLineBoundaryBackward, preventDefault: true },
  { mac: 'Mod-Delete', run: deleteLineBoundaryForward, preventDefault: true },
  { key: 'Shift-Mod-k', run: deleteLine },
  { key: 'Alt-ArrowUp', run: moveLineUp },
  { key: 'Alt-ArrowDown', run: moveLineDown },
  { key: 'Shift-Alt-ArrowUp', run: copyLineUp },
  { key: 'Shift-Alt-ArrowDown', run: copyLineDown },
  { key: 'Mod-]', run: indent },
  { key: 'Mod-[', run: outdent },
];

/** The Emacs keys that macOS supports everywhere. */
const emacs = [
  { mac: 'Ctrl-b', run: cursorCharLeft, shift: selectCharLeft, preventDefault: true },
  { mac: 'Ctrl-f', run: cursorCharRight, shift: selectCharRight },
  { mac: 'Ctrl-p', run: cursorLineUp, shift: selectLineUp },
  { mac: 'Ctrl-n', run: cursorLineDown, shift: selectLineDown },
  { mac: 'Ctrl-a', run: cursorLineStart, shift: selectLineStart },
  { mac: 'Ctrl-e', run: cursorLineEnd, shift: selectLineEnd },
  { mac: 'Ctrl-d', run: deleteCharForward },
  { mac: 'Ctrl-h', run: deleteCharBackward },
  { mac: 'Ctrl-k', run: deleteToLineEnd },
  { mac: 'Ctrl-Alt-h', run: deleteGroupBackward },
  { mac: 'Ctrl-o', run: splitLine },
  { mac: 'Ctrl-t', run: transposeChars },
  { mac: 'Ctrl-v', run: cursorPageDown },
];

/** Changes the beginning of each selected line by change(line), or not if that is null. */
function atLines({ state, dispatch }, change) {
  if (state.readOnly) return false;
  const lines = new Map();
  for (const { from, to } of state.selection.ranges) {
    for (let at = from; at <= to;) {
      const line = state.doc.lineAt(at);
      lines.set(line.number, change(line));
      at = line.to + 1;
    }
  }
  dispatch(state.update({ changes: [...lines.values()].filter(Boolean), userEvent: 'input.indent' }));
  return true;
}

function indent(view) { return atLines(view, ({ from }) => ({ from, insert: '  ' })); }

function outdent(view) {
  return atLines(view, ({ from, text }) => {
    const { length } = /^(\t| {0,2})/.exec(text)[0];
    return length > 0 ? { from, to: from + length } : null;
  });
}

/** Returns the keymap, with these commands for undo and redo. */
export function keys(undo, redo) {
  const take = (run) => ({ run, preventDefault: true });
  return keymap.of([
    { key: 'Mod-z', ...take(undo) }, { key: 'Mod-y', ...take(redo) }, { key: 'Mod-Shift-z', ...take(redo) },
    ...searchKeymap, ...changes, ...moves, ...emacs,
  ]);
}
