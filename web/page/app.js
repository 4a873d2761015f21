// The page: it shows the state of the client and of the open document.

import { load } from './lmz/lmz.js';
import { EditorClient } from './editor.js';
import { DocumentList } from './list.js';
import { colors } from './cursors.js';
import { isolated, named, shown } from './shown.js';
import { closeVersions, setUpVersions } from './versions.js';
import './view.js';
import { askLink, hasMailbox, linkError, signOut, whySignedOut } from './sign-in.js';
import { checkAgain, showCheck } from './turnstile.js';

const $ = (id) => document.getElementById(id);
const data = document.body.dataset;

const listEvery = 15_000; // milliseconds between refreshes of the list of documents

const stateTexts = new Map([
  ['connecting', 'Connecting'], ['connected', 'Connected'], ['reconnecting', 'Reconnecting'], ['disconnected', 'Offline'], ['signed-out', 'Signed out'],
]);

load(new URL('./page.wasm', import.meta.url)).catch(() => {}); // the client reports it too

const area = $('text');

let open = null; // the open document
let shownFindings = '';
let kept = []; // refused texts: {text, drop}
let leaving = false; // signing out
let failedLink = linkError();

const client = new EditorClient({
  onConnectionStateChange: (state) => showState(state),
  onSubscriptionRequired: async () => {
    data.subscriptions = String(Number(data.subscriptions) + 1);
    await client.resubscribe();
  },
  onLoginRequired: (error) => showSignIn(error.reason),
  onSuperseded: () => showElsewhere(),
  onConnectionError: (error) => console.debug('lmz:', error.message),
});

// The connection.

function showState(state) {
  if (state === 'disconnected' && (data.state === 'signed-out' || leaving)) return;
  data.state = state;
  client.online(state === 'connected');
  $('state-text').textContent = navigator.onLine || state === 'connected' ? stateTexts.get(state) : 'Offline';
  $('retry').hidden = state !== 'disconnected' && state !== 'reconnecting';
  $('retry').textContent = 'Try now';
  $('starting').textContent = state === 'reconnecting' ? 'The server cannot be reached. Trying again…' : 'Starting…';
  showDocument(); // unsaved changes wait, or are sent
  if (state !== 'connected') return;
  failedLink = '';
  $('signed-out').hidden = true;
  data.instance = client.lmz.instanceName;
  if (data.view !== 'desk') showDesk();
  $('email').textContent = shown(client.claims?.email ?? '');
  $('user').hidden = false;
  list.refresh();
}

/** Another window has this client's address: a copy of this tab that was not recognized. */
function showElsewhere() {
  $('state-text').textContent = 'Open elsewhere';
  $('retry').textContent = 'Continue here';
}

$('retry').addEventListener('click', () => client.connect().catch(() => {}));
for (const event of ['online', 'offline']) addEventListener(event, () => showState(data.state));

// Signing in and out.

function showSignIn(reason) {
  if (data.view === 'desk') {
    $('signed-out').textContent = whySignedOut(reason) +
      (open?.dirty && !open.unkept ? ' Unsent changes are stored on this device.' : '');
    $('signed-out').hidden = false;
  }
  const shown = data.view === 'sign-in';
  data.state = 'signed-out';
  data.view = 'sign-in';
  $('state-text').textContent = stateTexts.get('signed-out');
  $('retry').hidden = $('user').hidden = true;
  showCheck();
  if (shown) return; // a user coming back from the check's frame keeps the focus and the message
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
    $('link-notice').textContent = await askLink(address);
    $('link-notice').hidden = $('link-notice').textContent === '';
    failedLink = '';
    showSignInError('');
    $('link-to').textContent = shown(address);
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
  checkAgain();
  $('address').select();
});

// A user who signed in with a mailed link in another tab is signed in here too.
addEventListener('focus', () => {
  if (data.view !== 'sign-in') return;
  client.disconnect(); // it may be another user, and a session keeps its name
  client.connect().catch(() => {});
});

$('sign-out').addEventListener('click', async () => {
  leaving = true;
  await Promise.race([open?.close(), new Promise((resolve) => setTimeout(resolve, 2000))]).catch(() => {});
  client.disconnect();
  await signOut().catch(() => {});
  location.assign('/');
});

// A page from the back/forward cache shows nothing until the user is known.
addEventListener('pagehide', ({ persisted }) => {
  if (persisted && data.view === 'desk') data.view = 'starting';
});
addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return;
  if (leaving) location.reload();
  else client.connect().catch(() => {});
});

// The list of documents.

const list = new DocumentList(client, () => open, { list: $('documents'), button: $('more-documents'), empty: $('no-documents') });

setInterval(() => {
  if (data.state === 'connected' && !document.hidden) list.refresh();
}, listEvery);

const maxName = 256; // bytes of the name of a new document

/** Reports whether a name is too long for a new document, and tells the user. */
function tooLong(name) {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes <= maxName || list.names.has(name)) return false;
  $('open-name').setCustomValidity(`A document’s name has at most ${maxName} bytes, and this one has ${bytes}.`);
  $('open-name').reportValidity();
  return true;
}

$('open-name').addEventListener('input', () => $('open-name').setCustomValidity(''));

$('open-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = $('open-name').value.trim();
  if (name === '' || tooLong(name)) return;
  $('open-name').value = '';
  location.hash = encodeURIComponent(name);
});

// The open document, named by the page's address.

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
  if (open?.dirty && open.unkept && !confirm('Changes to this document are not sent, and this browser cannot store them. Discard them?')) {
    location.hash = encodeURIComponent(open.name);
    return;
  }
  open?.close().catch(() => {}); // saves what is left first
  open = null;
  data.document = '';
  $('sheet').hidden = name === '';
  $('empty').hidden = name !== '';
  document.title = name === '' ? 'lmz' : `${isolated(name)} · lmz`;
  if (name !== '') {
    $('name').replaceChildren(named(name));
    area.show('', `Text of ${isolated(name)}`);
    kept = [];
    closeVersions();
    $('kept').hidden = true;
    showPeople([]);
    open = client.open(name, new Screen(name));
    if (narrow.matches) $('drawer').open = false;
    showDocument();
  }
  list.refresh();
}

addEventListener('hashchange', openWanted);
setUpVersions(() => open);

function skipToText(event) {
  event.preventDefault(); // the fragment names a document, and Enter must not reach the text
  (open ? area : $('open-name')).focus();
}

$('skip').addEventListener('click', skipToText);
$('skip').addEventListener('keydown', (event) => { if (event.key === 'Enter') skipToText(event); });

/** The screen of a document, while it is the open one. */
class Screen {
  constructor(name) {
    const mine = (f) => (...rest) => { if (open?.name === name) f(...rest); };
    this.opened = mine((text) => {
      area.show(text, `Text of ${name}`);
      area.writable = true;
      if (!narrow.matches) area.focus({ preventScroll: true }); // on a phone this would bring up the keyboard
      showDocument();
      list.refresh();
    });
    this.changed = mine((changes) => area.change(changes));
    this.people = mine(showPeople);
    this.spelled = mine((checked, found) => area.spelled(checked, found));
    this.status = mine(showDocument);
    this.settle = mine(() => area.settle());
    this.kept = mine(showKept);
  }
}

area.onTyped = (changes) => open.type(changes);
area.onMoved = (anchor, head) => open?.moved(anchor, head);
area.onUndo = () => open?.undo() ?? false;
area.onRedo = () => open?.redo() ?? false;
area.onFindings = showFindings;
area.onComposing = showDocument;
area.onRefused = (why) => {
  $('refused').textContent = why;
  $('refused').hidden = false;
  setTimeout(() => { $('refused').hidden = true; }, 8000);
};

/** Shows everything about the document but its text. */
function showDocument() {
  if (!open) return;
  const { problem, loaded, version } = open;
  if (version > 0 && !list.names.has(open.name)) {
    list.names.add(open.name);
    list.refresh();
  }
  data.document = loaded ? open.name : '';
  if (area.writable && !loaded) area.writable = false;
  data.dirty = String(dirty());
  if ($('saved').textContent !== savedText()) $('saved').textContent = savedText();
  $('problem').hidden = problem === '';
  if ($('problem').textContent !== problem) $('problem').textContent = problem;
}

/** Reports whether the open document lacks text that was typed or is being composed. */
function dirty() { return open.dirty || area.composing; }

function savedText() {
  const { loaded, unkept, version, by } = open;
  if (!loaded) return 'Opening…';
  if (dirty() && data.state === 'connected') return 'Saving…';
  if (dirty() && unkept) return 'Not sent yet, and this browser cannot store it: keep the page open';
  if (dirty()) return 'Not sent yet: stored on this device until the connection is back';
  if (version === 0) return 'New document';
  return by ? `Changed by ${isolated(by)}` : 'Saved';
}

/** Shows who else is here. */
function showPeople(all) {
  area.people = all;
  $('people').replaceChildren(...all.map(({ name, color }) => {
    const item = document.createElement('li');
    item.className = `person peer-${color % colors}`;
    item.append(named(name || 'somebody'));
    return item;
  }));
}

/** Shows refused text, so the user can copy it. It stays on disk until the user discards it. */
function showKept(text, drop) {
  if (text === '') {
    drop();
    return;
  }
  kept.push({ text, drop });
  $('kept-text').textContent = kept.map((one) => one.text).join('\n');
  $('kept').hidden = false;
}

$('kept-copy').addEventListener('click', () => navigator.clipboard.writeText($('kept-text').textContent).catch(() => {}));
$('kept-drop').addEventListener('click', () => {
  for (const { drop } of kept.splice(0)) drop();
  $('kept').hidden = true;
  area.focus();
});

addEventListener('beforeunload', (event) => {
  if (open && dirty() && !leaving) event.preventDefault();
});

// Spelling: a list of misspelled words, for users who cannot see the marks in the text.

function suggestionButton(word, suggestion) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'fix';
  button.append(named(suggestion));
  button.setAttribute('aria-label', `Replace ${isolated(word)} by ${isolated(suggestion)}`);
  button.addEventListener('click', () => area.replace(area.findings.filter((f) => f.word === word), suggestion));
  return button;
}

const shownWords = 12; // in the list; the text marks them all

function showFindings(findings) {
  const words = new Map(); // word to places
  for (const finding of findings) words.set(finding.word, [...(words.get(finding.word) ?? []), finding]);
  const list = [...words].slice(0, shownWords);
  $('spelling').hidden = words.size === 0;
  const findingsNow = JSON.stringify(list.map(([word, where]) => [word, where.length, where[0].suggestions]));
  if (findingsNow === shownFindings) return; // rebuilding the list would take the focus away
  shownFindings = findingsNow;
  $('findings').replaceChildren(...list.map(([word, where]) => {
    const item = document.createElement('li');
    const wrong = document.createElement('span');
    wrong.className = 'wrong';
    wrong.append(named(word));
    item.append(wrong, where.length > 1 ? ` (${where.length} times)` : '', ...where[0].suggestions.map((s) => suggestionButton(word, s)));
    return item;
  }));
}
