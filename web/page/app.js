// The page: it shows what the client and the open document say.

import { moveCaret } from './buffer.js';
import { EditorClient } from './editor.js';
import { paint, places } from './highlight.js';
import { askLink, hasMailbox, linkError, signOut } from './sign-in.js';

const $ = (id) => document.getElementById(id);
const data = document.body.dataset;

const listEvery = 15_000; // milliseconds between looks at the list of documents

const stateTexts = {
  connecting: 'Connecting', connected: 'Connected', reconnecting: 'Reconnecting', disconnected: 'Offline', 'signed-out': 'Signed out',
};

const area = $('text');

let open = null; // the open document
let marks = []; // its misspelled words
let shownFindings = '';
let listed = new Set(); // names of the documents in the list
let leaving = false; // signing out
let failedLink = linkError();

const client = new EditorClient({
  onConnectionStateChange: (state) => showState(state),
  onSubscriptionRequired: async () => {
    data.subscriptions = String(Number(data.subscriptions) + 1);
    await client.openAgain();
  },
  onLoginRequired: () => showSignIn(),
  onConnectionError: (error) => console.debug('lmz:', error.message),
});

// What the connection is like.

function showState(state) {
  if (state === 'disconnected' && (data.state === 'signed-out' || leaving)) return;
  data.state = state;
  $('state-text').textContent = navigator.onLine || state === 'connected' ? stateTexts[state] : 'Offline';
  $('retry').hidden = state !== 'disconnected' && state !== 'reconnecting';
  $('starting').textContent = state === 'reconnecting' ? 'The server cannot be reached. Trying again…' : 'Starting…';
  if (state !== 'connected') return;
  failedLink = '';
  data.instance = client.lmz.instanceName;
  if (data.view !== 'desk') showDesk();
  $('email').textContent = client.claims?.email ?? '';
  $('user').hidden = false;
  listDocuments();
}

$('retry').addEventListener('click', () => client.connect().catch(() => {}));
for (const event of ['online', 'offline']) addEventListener(event, () => showState(data.state));

// Signing in and out.

function showSignIn() {
  data.state = 'signed-out';
  data.view = 'sign-in';
  $('state-text').textContent = stateTexts['signed-out'];
  $('retry').hidden = $('user').hidden = true;
  showSignInError(failedLink);
  $('address').focus();
}

function showSignInError(text) {
  $('sign-in-error').textContent = text;
  $('sign-in-error').hidden = text === '';
}

$('link-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const address = $('address').value.trim();
  const button = event.target.querySelector('button');
  button.disabled = true;
  try {
    await askLink(address);
    failedLink = '';
    showSignInError('');
    $('link-to').textContent = address;
    $('link-form').hidden = true;
    $('link-sent').hidden = false;
    $('mailbox').hidden = !(await hasMailbox());
  } catch (error) {
    showSignInError(error.message);
  } finally {
    button.disabled = false;
  }
});

$('link-again').addEventListener('click', () => {
  $('link-form').hidden = false;
  $('link-sent').hidden = true;
  $('address').select();
});

// Whoever comes back from the mail in another tab is signed in here too.
addEventListener('focus', () => {
  if (data.view !== 'sign-in') return;
  client.disconnect(); // it may be another user: a client keeps its name for life
  client.connect().catch(() => {});
});

$('sign-out').addEventListener('click', async () => {
  leaving = true;
  await Promise.race([open?.close(), new Promise((resolve) => setTimeout(resolve, 2000))]).catch(() => {});
  client.disconnect();
  await signOut().catch(() => {});
  location.assign('/');
});

// The list of documents.

async function listDocuments() {
  let names;
  try {
    names = await client.documents();
  } catch {
    return; // the next look will do
  }
  if (open && open.buffer.version > 0 && !names.includes(open.name)) names = [...names, open.name].sort();
  listed = new Set(names);
  $('no-documents').hidden = names.length > 0;
  $('documents').replaceChildren(...names.map((name) => {
    const link = document.createElement('a');
    link.href = `#${encodeURIComponent(name)}`;
    link.textContent = name;
    if (name === open?.name) link.setAttribute('aria-current', 'page');
    const item = document.createElement('li');
    item.append(link);
    return item;
  }));
}

setInterval(() => {
  if (data.state === 'connected' && !document.hidden) listDocuments();
}, listEvery);

$('open-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = $('open-name').value.trim();
  if (name === '') return;
  $('open-name').value = '';
  location.hash = encodeURIComponent(name);
});

// The open document. The address of the page names it.

function showDesk() {
  data.view = 'desk';
  $('drawer').open = !narrow.matches || wantedName() === '';
  openWanted();
  if (!open && !narrow.matches) $('open-name').focus();
}

const narrow = matchMedia('(max-width: 45rem)');
narrow.addEventListener('change', () => { $('drawer').open = !narrow.matches || !open; });

function wantedName() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return location.hash.slice(1);
  }
}

function openWanted() {
  const name = wantedName();
  if (data.view !== 'desk' || name === (open?.name ?? '')) return;
  open?.close().catch(() => {}); // it saves what is left first
  open = null;
  data.document = '';
  $('sheet').hidden = name === '';
  $('empty').hidden = name !== '';
  document.title = name === '' ? 'lmz' : `${name} · lmz`;
  if (name !== '') {
    $('name').textContent = name;
    area.setAttribute('aria-label', `Text of ${name}`);
    area.value = '';
    area.readOnly = true;
    open = client.open(name, { changed: showDocument, replaced: showText });
    if (narrow.matches) $('drawer').open = false;
    showDocument(open);
  }
  listDocuments();
}

addEventListener('hashchange', openWanted);

/** Another text is on the screen; the caret stays where it was in it. */
function showText(changed, before) {
  if (changed !== open) return;
  const text = changed.buffer.text;
  const caret = before === '' // a document that was just opened: go on at its end
    ? [text.length, text.length] : [area.selectionStart, area.selectionEnd].map((at) => moveCaret(at, before, text));
  area.value = text;
  area.setSelectionRange(...caret);
}

/** Shows everything about the document but its text. */
function showDocument(changed) {
  if (changed !== open) return;
  const { buffer, problem, loaded, findings } = open;
  if (loaded && area.readOnly) {
    area.readOnly = false;
    if (!narrow.matches) area.focus({ preventScroll: true }); // on a phone this would bring up the keyboard
    listDocuments();
  }
  if (buffer.version > 0 && !listed.has(open.name)) {
    listed.add(open.name);
    listDocuments();
  }
  data.document = loaded ? open.name : '';
  data.dirty = String(buffer.dirty);
  $('saved').textContent = savedText();
  $('held').hidden = !buffer.held;
  if (buffer.held) $('held-by').textContent = buffer.held.by || 'someone';
  $('problem').hidden = problem === '';
  if ($('problem').textContent !== problem) $('problem').textContent = problem;
  marks = places(buffer.text, findings);
  paint($('mirror'), buffer.text, marks);
  showFindings();
  showSuggestions();
}

function savedText() {
  const { buffer, loaded, by } = open;
  if (!loaded) return 'Opening…';
  if (buffer.dirty) return data.state === 'connected' ? 'Saving…' : 'Not saved: will be when the connection is back';
  if (buffer.version === 0) return 'New document';
  return by ? `Changed by ${by}` : 'Saved';
}

area.addEventListener('input', () => {
  if (open) open.type(area.value);
});

area.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') hideSuggestions();
});

addEventListener('keydown', (event) => {
  if (event.altKey && event.code === 'KeyR' && open?.buffer.held) {
    event.preventDefault();
    take();
  }
});

function take() {
  open.take();
  area.focus();
}

$('take').addEventListener('click', take);
$('keep').addEventListener('click', () => {
  open.keep();
  area.focus();
});

addEventListener('beforeunload', (event) => {
  if (open?.buffer.dirty && !leaving) event.preventDefault();
});

// Spelling.

/** Replaces a word, at one place or everywhere, as if it had been typed. */
function replaceWord(where, suggestion) {
  let text = area.value;
  for (const { start, end } of [...where].reverse()) text = text.slice(0, start) + suggestion + text.slice(end);
  const caret = moveCaret(area.selectionStart, area.value, text);
  area.value = text;
  area.setSelectionRange(caret, caret);
  area.focus();
  open.type(text);
}

function suggestionButton(label, description, findPlaces, suggestion) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'fix';
  button.textContent = label;
  button.setAttribute('aria-label', description);
  button.addEventListener('click', () => replaceWord(findPlaces(), suggestion));
  return button;
}

function showFindings() {
  const words = new Map(); // word to places
  for (const place of marks) words.set(place.finding.word, [...(words.get(place.finding.word) ?? []), place]);
  $('spelling').hidden = words.size === 0;
  const shown = JSON.stringify([...words].map(([word, where]) => [word, where.length, where[0].finding.suggestions]));
  if (shown === shownFindings) return; // whoever has the focus there keeps it
  shownFindings = shown;
  $('findings').replaceChildren(...[...words].map(([word, where]) => {
    const item = document.createElement('li');
    const wrong = document.createElement('span');
    wrong.className = 'wrong';
    wrong.textContent = word;
    const times = where.length > 1 ? ` (${where.length} times)` : '';
    item.append(wrong, times, ...(where[0].finding.suggestions ?? []).map((suggestion) =>
      suggestionButton(suggestion, `Replace ${word} by ${suggestion}`, () => marks.filter((m) => m.finding.word === word), suggestion)));
    return item;
  }));
}

/** Offers the suggestions for the word at the caret, below it. */
function showSuggestions() {
  const at = area.selectionStart;
  const index = marks.findIndex((m) => m.start <= at && at <= m.end);
  if (index < 0 || at !== area.selectionEnd || document.activeElement !== area) return hideSuggestions();
  const place = marks[index];
  const box = $('suggest');
  box.replaceChildren(...(place.finding.suggestions ?? []).map((suggestion) =>
    suggestionButton(suggestion, `Replace ${place.finding.word} here by ${suggestion}`, () => [place], suggestion)));
  const mark = $('mirror').querySelectorAll('mark')[index];
  box.style.top = `${mark.offsetTop + mark.offsetHeight + 4}px`;
  box.style.left = `${Math.max(0, Math.min(mark.offsetLeft, $('mirror').clientWidth - 160))}px`;
  box.hidden = false;
}

function hideSuggestions() {
  $('suggest').hidden = true;
}

for (const event of ['click', 'keyup']) {
  area.addEventListener(event, (e) => {
    if (open && e.key !== 'Escape') showSuggestions();
  });
}
area.addEventListener('blur', () => setTimeout(() => { // a click on a suggestion comes first
  if (document.activeElement !== area && !$('suggest').contains(document.activeElement)) hideSuggestions();
}, 150));
