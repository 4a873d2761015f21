// Signing in with a mailed link.

import { checkAgain, takeToken } from './turnstile.js';

// Text from addresses and answers is looked up in maps, because a plain object also has the
// members of its prototype.

const reasons = new Map([
  ['invalid_token', 'That link has been used already, or it is not complete. Ask for a new one.'],
  ['token_expired', 'That link is too old. Ask for a new one.'],
]);

/** Removes the error of a failed link from the page's address, and returns its message or ''. */
export function linkError() {
  const url = new URL(location.href);
  const code = url.searchParams.get('error');
  if (code === null) return '';
  url.searchParams.delete('error');
  history.replaceState(null, '', url);
  return reasons.get(code) ?? 'Signing in did not work. Ask for a new link.';
}

const endings = new Map([
  ['Signed out', 'You were signed out in another tab. Sign in to continue.'],
  ['Signed out on another device', 'You were signed out on another device. Sign in to continue.'],
  ['Signed out by an administrator', 'An administrator signed you out. Sign in to continue.'],
  ['Signed out because a copy of the sign-in was used', 'You were signed out because somebody used a copy of your sign-in. Sign in to continue, and check your mail for sign-ins that you did not make.'],
  ['Approval withdrawn', 'An administrator has withdrawn your access.'],
  ['Account not yet approved', 'An administrator has to approve your account.'],
  ['Account removed', 'Your account has been removed.'],
]);

/** Explains why a user was signed out; reason is the gateway's (PROTOCOL.md, "Tokens"). */
export function whySignedOut(reason) {
  return endings.get(reason) ?? 'You were signed out, maybe in another tab. Sign in to continue.';
}

const refusals = new Map([
  ['turnstile_required', 'No link was sent: the check that you are human is not complete. Complete it above the button, then ask again.'],
  ['turnstile_failed', 'No link was sent: Cloudflare did not confirm that you are human, or could not be reached. The check restarts; then ask again.'],
]);

/** Requests a link and returns the server's notice, or ''. Throws an Error for the user. */
export async function askLink(email) {
  const token = await takeToken();
  try {
    return await post({ email, 'cf-turnstile-response': token || undefined });
  } catch (error) {
    if (token !== '') checkAgain();
    throw error;
  }
}

async function post(body) {
  let response;
  try {
    response = await fetch('/auth/email-magic-link', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
  } catch {
    throw new Error('The server cannot be reached. Try again in a moment.');
  }
  const answer = (await response.json().catch(() => null)) ?? {};
  if (response.ok) return answer.notice ?? '';
  throw new Error(refusals.get(answer.error) ?? answer.error_description ?? `The server answered ${response.status}.`);
}

/** Reports whether this server shows mails in a mailbox instead of sending them. */
export async function hasMailbox() {
  try {
    return (await fetch('/dev/mail', { method: 'HEAD' })).ok;
  } catch {
    return false;
  }
}

export async function signOut() {
  await fetch('/auth/logout', { method: 'POST' });
}
