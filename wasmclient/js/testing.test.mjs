import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';

import { createTestRefreshFunction } from './testing.js';

test('a refresh function for tests signs tokens', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  for (const text of [pem, pem.replaceAll('\n', '\\n')]) {
    const refresh = createTestRefreshFunction({ privateKey: text, isAdmin: true, ttl: 60 });
    const { access_token: token, sub } = await refresh();
    const [head, claims, signature] = token.split('.');
    assert.ok(verify(null, Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url')));
    assert.deepStrictEqual(JSON.parse(Buffer.from(head, 'base64url')), { alg: 'EdDSA', typ: 'JWT', kid: 'BLUE' });
    const { exp, iat, jti, ...rest } = JSON.parse(Buffer.from(claims, 'base64url'));
    assert.equal(exp - iat, 60);
    assert.deepStrictEqual(rest, { iss: 'https://lumenize.local', aud: 'https://lumenize.local', sub, emailVerified: true, adminApproved: true, isAdmin: true });
    assert.equal((await refresh()).sub, sub);
  }
  await assert.rejects(createTestRefreshFunction({ privateKey: pem, expired: true })(), /Refresh token expired/);
  delete process.env.JWT_PRIVATE_KEY_BLUE;
  await assert.rejects(createTestRefreshFunction()(), /JWT_PRIVATE_KEY_BLUE/);
});
