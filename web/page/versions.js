// Earlier versions of the open document: listing them, showing the chosen one and restoring
// it.

import { named } from './shown.js';

const $ = (id) => document.getElementById(id);

const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

let current = () => null; // the open document
let chosen = 0; // version

/** Makes the panel show the versions of the document that open() returns. */
export function setUpVersions(open) {
  current = open;
  $('versions').addEventListener('toggle', () => { if ($('versions').open) list(0); });
  $('more-versions').addEventListener('click', ({ target }) => list(Number(target.dataset.before)));
  $('restore').addEventListener('click', restore);
}

/** Closes the panel, because another document is open. */
export function closeVersions() {
  $('versions').open = false;
}

function say(text) {
  $('versions-note').textContent = text;
  $('versions-note').hidden = text === '';
}

/**
 * Asks the document, and shows the error if that fails. Resolves with undefined then, or if
 * another document was opened meanwhile.
 */
async function ask(question) {
  const document = current();
  if (!document) return undefined;
  try {
    const answer = await question(document);
    return current() === document ? answer : undefined;
  } catch (error) {
    if (current() === document) say(`That did not work: ${error.message}`);
    return undefined;
  }
}

/** Lists the revisions before a version, or the newest ones. */
async function list(before) {
  say('');
  if (before === 0) {
    $('revisions').replaceChildren();
    $('version').hidden = $('more-versions').hidden = true;
  }
  const revisions = await ask((document) => document.history(before));
  if (!revisions) return;
  if (before === 0 && revisions.length === 0) say('No versions yet.');
  $('revisions').append(...revisions.map(({ last, by, at }, i) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'revision';
    const when = document.createElement('time');
    when.dateTime = new Date(at).toISOString();
    when.textContent = date.format(at);
    button.append(when, ' ', named(by || 'somebody'), before === 0 && i === 0 ? ' (now)' : '');
    button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => show(button, last));
    const item = document.createElement('li');
    item.append(button);
    return item;
  }));
  const first = revisions.at(-1)?.first ?? 1;
  $('more-versions').dataset.before = String(first);
  $('more-versions').hidden = first <= 1;
}

async function show(button, version) {
  for (const other of $('revisions').querySelectorAll('button')) other.setAttribute('aria-pressed', String(other === button));
  chosen = version;
  const text = await ask((document) => document.textOf(version));
  if (text === undefined || chosen !== version) return;
  say('');
  $('version-text').textContent = text;
  $('version').hidden = false;
}

async function restore() {
  if (await ask((document) => document.restore(chosen)) === undefined) return;
  await list(0);
  say('Restored. The previous text is kept as a version.');
}
