// Makes calls and peers and compares what is left with what was there before:
// node --expose-gc leak.mjs MODULE WASM URL TOKEN

import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';

const [path, wasm, baseUrl, token] = process.argv.slice(2);
const { LumenizeClient, load } = await import(path);
const { border } = await load(readFileSync(wasm));
const client = (tab) => new LumenizeClient({ baseUrl, tab, WebSocket, refresh: async () => ({ access_token: token }) });

const calls = async (n) => {
  const c = client('calls');
  await c.connect();
  for (let i = 0; i < n; i += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, k) => c.lmz.callRaw('ECHO', undefined, c.ctn().echo({ k, text: 'x'.repeat(50) }))));
  }
  c.disconnect();
};

const peers = async (n) => {
  for (let i = 0; i < n; i += 20) {
    await Promise.all(Array.from({ length: 20 }, async (_, k) => {
      const c = client(`p${k}`);
      await c.connect();
      c.disconnect();
    }));
  }
};

async function measure() {
  for (let last; last !== border.funcs(); await new Promise((done) => setTimeout(done, 50))) last = border.funcs(); // sockets are closed
  const goHeap = border.heap();
  globalThis.gc();
  await new Promise((done) => setTimeout(done));
  globalThis.gc();
  return { goHeap, functions: border.funcs(), heap: process.memoryUsage().heapUsed };
}

async function compare(what, work, n) {
  await work(n / 5); // fills caches and pools
  const before = await measure();
  await work(n);
  const after = await measure();
  return { what, before, after };
}

console.log(JSON.stringify([await compare('calls', calls, 10_000), await compare('peers', peers, 1000)]));
process.exit();
