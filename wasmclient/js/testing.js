// Tokens for tests of programs, signed here.

const local = 'https://lumenize.local';

/**
 * Makes a function for Config.refresh that signs tokens with the private key, a PEM text with
 * PKCS #8, of Ed25519. Its subject stays the same.
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

/** The bytes of a PEM text, whose line ends may be written as \n, as in a variable. */
function bytesOf(pem) {
  const base64 = pem.replace(/\\n/g, '\n').replace(/-----[^-]+-----/g, '').replace(/\s/g, '');
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}
