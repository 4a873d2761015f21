// Underlines for misspelled words: a mirror of the text lies under the text area,
// laid out alike, invisible but for the underlines.

const word = /[\p{L}']+/gu;

/** Where the words of findings stand in text: [{start, end, finding}]. */
export function places(text, findings) {
  const byWord = new Map(findings.map((f) => [f.word, f]));
  const found = [];
  if (byWord.size === 0) return found;
  for (const match of text.matchAll(word)) {
    const finding = byWord.get(match[0]);
    if (finding) found.push({ start: match.index, end: match.index + match[0].length, finding });
  }
  return found;
}

/** Fills mirror with text, the places marked. */
export function paint(mirror, text, marks) {
  const parts = [];
  let end = 0;
  for (const place of marks) {
    const mark = document.createElement('mark');
    mark.textContent = text.slice(place.start, place.end);
    parts.push(text.slice(end, place.start), mark);
    end = place.end;
  }
  parts.push(text.slice(end), '\u200b'); // so that a last empty line has a height
  mirror.replaceChildren(...parts);
}
