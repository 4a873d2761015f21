// Locally signed tokens for tests of programs.

const local = 'https://lumenize.local';

/**
 * Returns a function for Config.refresh that signs tokens with an Ed25519 private key in
 * PKCS #8 PEM. Its subject stays the same.
 */
export function createTestRefreshFunction({
  privateKey = globalThis.process?.env?.JWT_PRIVATE_KEY_BLUE, sub = crypto.randomUUID(), adminApproved = true, emailVerified = true,
  isAdmin = false, iss = local, aud = local, ttl = 3600, expired = false,
} = {}) {
  let key;
  return async () => {
    if (expired) throw new Error('Refresh token expired');
    if (!privateKey) throw new Error('createTestRefreshFunction: there is no privateKey, nor JWT_PRIVATE_KEY_BLUE in the environment');
    key ??= await crypto.subtle.importKey('pkcs8', bytesOf(privateKey), 'Ed25519', false, ['sign']);
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss, aud, sub, exp: iat + ttl, iat, jti: crypto.randomUUID(), emailVerified, adminApproved, ...(isAdmin && { isAdmin }) };
    const signed = [{ alg: 'EdDSA', typ: 'JWT', kid: 'BLUE' }, claims].map((part) => base64url(new TextEncoder().encode(JSON.stringify(part)))).join('.');
    const signature = await crypto.subtle.sign('Ed25519', key, new TextEncoder().encode(signed));
    return { access_token: `${signed}.${base64url(new Uint8Array(signature))}`, sub };
  };
}

/** Decodes a PEM text, whose line breaks may be escaped as \n, as in an environment variable. */
function bytesOf(pem) {
  const base64 = pem.replace(/\\n/g, '\n').replace(/-----[^-]+-----/g, '').replace(/\s/g, '');
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}
