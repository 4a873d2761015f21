// Builds what the gateway serves at /: the WASM module, its JavaScript face and the
// page, into web/dist, each also compressed. Run it with Node 20 or newer, from
// anywhere: node scripts/build-web.mjs

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'web', 'dist');
const compressed = /\.(wasm|js|css|html|svg)$/;

// Everything is built next to dist and moved there at the end, so that a failed build
// leaves the last one intact.
const staging = mkdtempSync(join(root, 'web', '.dist-'));
try {
  build(staging);
  replace(staging);
  report();
} catch (error) {
  if (error.status === undefined) throw error;
  process.exitCode = 1; // the failed command has said why
} finally {
  rmSync(staging, { recursive: true, force: true });
}

function build(to) {
  const face = join(to, 'lmz');
  mkdirSync(face);
  const env = { ...process.env, GOOS: 'js', GOARCH: 'wasm' };
  const options = { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' };
  const module = (file, tags) =>
    execFileSync('go', ['build', '-trimpath', '-ldflags=-s -w', `-tags=${tags}`, '-o', file, './wasmclient'], options);
  module(join(face, 'lmz.wasm'), '');
  module(join(to, 'page.wasm'), 'text'); // with collaborative text
  const goroot = execFileSync('go', ['env', 'GOROOT'], options).trim();
  bundleFace(face, goModule(readFileSync(join(goroot, 'lib', 'wasm', 'wasm_exec.js'), 'utf8')));
  copy(join(root, 'web', 'page'), to, (name) => !/\.m?js$/.test(name));
  bundlePage(join(to, 'app.js'));
  for (const file of files(to)) if (compressed.test(file)) compress(to, file);
}

/**
 * Turns Go's script into a module. The script adds a class and stand-ins for Node's modules
 * to the global object: here, to the object passed to goClass.
 */
function goModule(script) {
  return `//! Contains wasm_exec.js of Go, Copyright The Go Authors: https://go.dev/LICENSE
export function goClass(globalThis) {
  const fs = { writeSync: (...args) => globalThis.fs.writeSync(...args) }; // how Go says why it ends\n${script}\nreturn globalThis.Go;\n}\n`;
}

/**
 * Bundles the client's files and Go's script into one file, which loads without a chain of
 * requests. It stays readable, also for bundlers, which heed some comments.
 */
function bundleFace(to, goScript) {
  const from = join(root, 'wasmclient', 'js');
  const sources = mkdtempSync(join(root, 'web', '.face-'));
  try {
    copy(from, sources, (name) => name.endsWith('.js'));
    writeFileSync(join(sources, 'go.js'), goScript);
    esbuild(sources, 'lmz.js', join(to, 'lmz.js'), '--legal-comments=inline');
  } finally {
    rmSync(sources, { recursive: true });
  }
  cpSync(join(from, 'lmz.d.ts'), join(to, 'lmz.d.ts'));
}

/** Bundles the page's scripts and CodeMirror. The client stays a separate file. */
function bundlePage(file) {
  const page = join(root, 'web', 'page');
  const aliases = ['@codemirror/language', '@lezer/common'].map((name) => `--alias:${name}=${join(page, 'no-language.js')}`);
  esbuild(page, 'app.js', file, '--minify', '--external:./lmz/lmz.js', '--legal-comments=linked', ...aliases);
}

function esbuild(folder, from, to, ...options) {
  const web = join(root, 'web');
  if (!installed(web)) execFileSync('npm', ['ci', '--silent'], { cwd: web, stdio: ['ignore', 'inherit', 'inherit'] });
  const program = join(web, 'node_modules', '.bin', 'esbuild');
  execFileSync(program, [from, `--outfile=${to}`, '--bundle', '--format=esm', '--target=es2022', '--log-level=warning', ...options],
    { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Reports whether npm has installed what the lock file says. */
function installed(folder) {
  const note = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(note)) return false;
  const wanted = JSON.parse(readFileSync(join(folder, 'package-lock.json'))).packages;
  const got = JSON.parse(readFileSync(note)).packages;
  return Object.keys(got).every((name) => got[name].version === wanted[name]?.version)
    && Object.keys(wanted).every((name) => name === '' || wanted[name].optional || got[name]);
}

function copy(from, to, wanted) {
  for (const name of readdirSync(from)) if (wanted(name)) cpSync(join(from, name), join(to, name), { recursive: true });
}

function files(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** Writes file.br and file.gz, or takes them from the last build if file is the same. */
function compress(to, file) {
  const name = relative(to, file);
  const data = readFileSync(file);
  const last = join(dist, name);
  if (['', '.br', '.gz'].every((end) => existsSync(last + end)) && hash(readFileSync(last)) === hash(data)) {
    for (const end of ['.br', '.gz']) cpSync(last + end, file + end);
    return;
  }
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length };
  writeFileSync(file + '.br', brotliCompressSync(data, { params }));
  writeFileSync(file + '.gz', gzipSync(data, { level: 9 }));
}

function hash(data) {
  return createHash('sha256').update(data).digest('hex');
}

function replace(from) {
  mkdirSync(dist, { recursive: true });
  for (const name of readdirSync(dist)) if (name !== '.gitkeep') rmSync(join(dist, name), { recursive: true });
  for (const name of readdirSync(from)) renameSync(join(from, name), join(dist, name));
}

function report() {
  const kB = (path) => `${(readFileSync(path).length / 1000).toFixed(0)} kB`;
  for (const name of ['lmz/lmz.wasm', 'page.wasm']) {
    const wasm = join(dist, name);
    console.log(`${name}: ${kB(wasm)} raw, ${kB(wasm + '.gz')} gzip, ${kB(wasm + '.br')} brotli`);
  }
  const scripts = files(dist).filter((file) => /\.(js|css|html)\.br$/.test(file));
  const sum = scripts.reduce((n, file) => n + readFileSync(file).length, 0);
  console.log(`page and scripts: ${(sum / 1000).toFixed(0)} kB brotli in ${scripts.length} files`);
}
