// Assembles the npm package from the output of build-web.mjs in the folder named by the
// first argument: node scripts/build-npm.mjs bin/npm

import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const from = join(root, 'web', 'dist', 'lmz');
const to = process.argv[2];
if (!to || !existsSync(join(from, 'lmz.wasm'))) {
  console.error(to ? 'build the web assets first: make web' : 'usage: node scripts/build-npm.mjs FOLDER');
  process.exit(2);
}
rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
for (const name of readdirSync(from)) if (/\.(js|d\.ts|wasm)$/.test(name)) cpSync(join(from, name), join(to, name));
for (const name of ['package.json', 'README.md']) cpSync(join(root, 'wasmclient', name), join(to, name));
cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
