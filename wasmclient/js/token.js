// Access tokens: where they come from and how long they are good.

import { LoginRequiredError } from './errors.js';

const early = 30; // seconds before its end in which a token counts as old

/** Reads the claims of a token without verifying them; null if it has none. */
export function claimsOf(token) {
  try {
    const payload = token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return claims !== null && typeof claims === 'object' ? Object.freeze(claims) : null;
  } catch {
    return null;
  }
}

/** Keeps the token of one client. */
export class Tokens {
  #token;
  #claims = null;
  #refreshing;

  constructor(token) {
    if (token) this.#keep(token);
  }

  get claims() {
    return this.#claims;
  }

  clear() {
    this.#token = undefined;
    this.#claims = null;
  }

  #keep(token) {
    this.#token = token;
    this.#claims = claimsOf(token);
  }

  /** Returns a token other than refused that is good for a while. */
  async get(refresh, fetch, refused) {
    const { exp } = this.#claims ?? {};
    const old = typeof exp === 'number' && exp - early <= Date.now() / 1000;
    if (this.#token && this.#token !== refused && !old) return this.#token;
    this.#refreshing ??= refreshed(refresh, fetch).finally(() => { this.#refreshing = undefined; });
    this.#keep(await this.#refreshing);
    return this.#token;
  }
}

async function refreshed(refresh, fetch) {
  const answer = typeof refresh === 'function' ? await refresh() : await post(refresh, fetch);
  const token = answer?.access_token;
  if (!token) throw new Error('Refresh returned no token');
  if (!claimsOf(token)) throw new Error('Refresh returned a malformed access_token');
  return token;
}

async function post(url, fetch) {
  const response = await fetch(url, { method: 'POST', credentials: 'include' });
  if (response.status === 401 || response.status === 403) {
    throw new LoginRequiredError(`Token refresh failed: ${response.status}`, response.status, 'Refresh token expired or invalid');
  }
  if (!response.ok) throw new Error(`Token refresh failed: ${response.status}`);
  return response.json();
}
