// Makes names from other people safe to show, like internal/printable in Go.

const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const visible = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u; // though they are of category Cf
const flood = /([\p{Mn}\p{Me}]{6})[\p{Mn}\p{Me}]+/gu; // more marks than any character needs
const joining = /[\p{L}\p{M}]/u;
const symbol = /[\p{S}\ufe0f\u{1f000}-\u{1faff}]/u;
const flag = /\u{1f3f4}(\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f})/gu; // of England, Scotland, Wales

const joins = (c) => c >= '\u0590' && c !== '\ufe0f' && joining.test(c);

/** Joiners stand between letters of scripts that join, and U+200D between the parts of an emoji. */
function mayJoin(joiner, before, after) {
  return (joins(before) && (after === '' || joins(after))) || (joiner === '\u200d' && symbol.test(before) && symbol.test(after));
}

/** Returns a name for one line, escaping invisible characters and those that reorder text. */
export function shown(name) {
  const cut = name.replace(flood, '$1…');
  const tags = new Set(); // places of tags that make a flag
  for (const { index, 1: made } of cut.matchAll(flag)) {
    for (let i = 0; i < made.length; i += 2) tags.add(index + 2 + i);
  }
  return cut.replace(hidden, (c, at) => {
    if (visible.test(c) || tags.has(at)) return c;
    if (c === '\u200c' || c === '\u200d') {
      const before = [...cut.slice(Math.max(at - 2, 0), at)].at(-1) ?? '';
      const after = [...cut.slice(at + 1, at + 3)][0] ?? '';
      if (mayJoin(c, before, after)) return c;
    }
    const code = c.codePointAt(0);
    if (c === '\n' || c === '\t' || c === '\r') return ' ';
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Returns a name for use within other text, whose order it does not affect. */
export const isolated = (name) => (/^[ -~]*$/.test(name) ? name : `\u2068${shown(name)}\u2069`);

/** Returns an element with a name. */
export function named(name) {
  const bdi = document.createElement('bdi');
  bdi.textContent = shown(name);
  return bdi;
}
