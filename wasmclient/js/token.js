// Access tokens: where they come from and how long they are valid.

import { LoginRequiredError } from './errors.js';

const early = 30; // seconds before its expiry in which a token counts as old

/** Reads the claims of a token without verifying them; null if it has none or is opaque. */
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

/** Returns the lifetime of a token in seconds, or undefined if it does not say. */
function lifeOf({ iat, exp } = {}) {
  return typeof iat === 'number' && typeof exp === 'number' && exp > iat ? exp - iat : undefined;
}

/**
 * The seconds since its creation. One clock stops while the machine sleeps, and the other one
 * may be set. Neither is compared with the server's.
 */
class Age {
  #ticks = performance.now();
  #date = Date.now();

  get seconds() {
    return Math.max(performance.now() - this.#ticks, Date.now() - this.#date) / 1000;
  }
}

/** Keeps the token of one client. */
export class Tokens {
  #token;
  #claims = null;
  #life; // in seconds, from its arrival; undefined if unknown
  #age;
  #refreshing;

  constructor(token) {
    if (token) this.#keep(token);
  }

  get claims() {
    return this.#claims;
  }

  /** How many more seconds the token is valid; undefined if unknown. */
  get left() {
    return this.#life === undefined ? undefined : Math.max(this.#life - this.#age.seconds, 0);
  }

  clear() {
    this.#token = this.#life = undefined;
    this.#claims = null;
  }

  #keep(token, life) {
    if (token === this.#token) return; // returning it again does not make it younger
    this.#token = token;
    this.#claims = claimsOf(token);
    this.#life = life > 0 ? Number(life) : lifeOf(this.#claims ?? {});
    this.#age = new Age();
  }

  /**
   * Returns a token other than refused that does not expire soon. If the expiry is unknown
   * here, renew says that it is near, as the gateway knows.
   */
  async get(refresh, fetch, refused, renew = false) {
    const { left } = this;
    const old = left === undefined ? renew : left <= early;
    if (this.#token && this.#token !== refused && !old) return this.#token;
    this.#refreshing ??= refreshed(refresh, fetch).finally(() => { this.#refreshing = undefined; });
    const { access_token: token, expires_in: life } = await this.#refreshing;
    this.#keep(token, life);
    return this.#token;
  }
}

async function refreshed(refresh, fetch) {
  const answer = typeof refresh === 'function' ? await refresh() : await post(refresh, fetch);
  const token = answer?.access_token;
  if (!token || typeof token !== 'string') throw new Error('Refresh returned no token');
  return answer;
}

async function post(url, fetch) {
  const response = await fetch(url, { method: 'POST', credentials: 'include' });
  if (response.status === 401 || response.status === 403) {
    throw new LoginRequiredError(`Token refresh failed: ${response.status}`, response.status, 'Refresh token expired or invalid');
  }
  if (!response.ok) throw new Error(`Token refresh failed: ${response.status}`);
  return response.json();
}
