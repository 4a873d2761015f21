// Cloudflare Turnstile, if only visitors who pass its check receive links from this server.
// Without a site key in the page nothing of it is loaded.

const source = 'https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit';
const patience = 5000; // milliseconds that a request for a link waits for the check
const narrowest = 300; // minimum width in pixels of all but the compact size

const siteKey = document.querySelector('meta[name="turnstile-site-key"]')?.content;
const box = document.getElementById('check');
const problem = document.getElementById('check-problem');

let loading = false;
let widget; // Cloudflare's name for it
let token = ''; // good for one request
let wake = () => {}; // resumes the request that waits for a token

/** Shows the check, if there is one. Retries if its script failed to load before. */
export async function showCheck() {
  if (!siteKey || loading || widget !== undefined) return;
  loading = true;
  try {
    await load();
    render();
  } catch {
    fail('The check that you are a person could not be loaded from challenges.cloudflare.com. See that you are online '
      + 'and that neither an extension nor your network blocks it, then ask for the link again.');
  }
  loading = false;
}

function load() {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = source;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

function render() {
  problem.hidden = true;
  box.hidden = false;
  widget = window.turnstile.render(box, {
    sitekey: siteKey,
    size: box.clientWidth < narrowest ? 'compact' : 'flexible',
    'response-field': false,
    callback: (fresh) => {
      token = fresh;
      problem.hidden = true;
      wake();
    },
    'expired-callback': () => { token = ''; }, // a fresh one follows automatically
    'error-callback': (code) => {
      fail(`The check that you are a person did not work: Cloudflare says error ${code}. It is tried again; `
        + 'if it stays like that, reload the page, try another browser, or tell whoever runs this server.');
      return true; // it was reported
    },
    'unsupported-callback': () => fail('This browser cannot do the check that you are a person. Use a newer one.'),
  });
}

function fail(why) {
  token = '';
  box.hidden = widget === undefined;
  problem.textContent = why;
  problem.hidden = false;
  wake();
}

/** Returns a token for one request, or '' if there is no check or none arrives. */
export async function takeToken() {
  if (!siteKey) return '';
  if (token === '') {
    const waited = new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, patience);
    });
    showCheck();
    await waited;
  }
  const taken = token;
  token = '';
  return taken;
}

/** Restarts the check: Cloudflare accepts a token only once. */
export function checkAgain() {
  if (widget !== undefined) window.turnstile.reset(widget);
}
