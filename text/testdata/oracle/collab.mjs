// An editor made of @codemirror/collab, which knows nothing of lmz: what is here only
// carries its updates to a document and back, in the JSON frames of PROTOCOL.md, and
// counts them. It types at random while others do.
//
//   node collab.mjs URL PROTOCOL... < {rounds, seed}
//
// It prints a line when everything it typed is confirmed, then waits for a line with a
// version, and prints {version, text} when it has that.
import { createInterface } from 'node:readline';
import { ChangeSet, EditorState } from '@codemirror/state';
import { collab, getClientID, getSyncedVersion, receiveUpdates, sendableUpdates } from '@codemirror/collab';
import WebSocket from 'ws';

const [url, ...protocols] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { rounds, seed } = JSON.parse((await lines.next()).value);

let random = seed;
const below = (n) => {
  random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
  return Math.floor((random / 2 ** 32) * n);
};

const socket = new WebSocket(url, protocols);
const calls = new Map();
let nextCall = 0;
function call(method, ...args) {
  const callId = String(++nextCall);
  const chain = { json: [{ type: 'get', key: method }, { type: 'apply', args }], meta: {} };
  socket.send(JSON.stringify({
    type: 'call', callId, binding: 'DOCUMENT_DO', instance: 'notes', chain,
    callContext: { callChain: [], state: { json: {}, meta: {} } },
  }));
  return new Promise((resolve, reject) => calls.set(callId, { resolve, reject }));
}

let state;
let confirmed = 0; // own updates
const waiting = new Map(); // updates by version
function arrived(all) {
  for (const update of all) waiting.set(update.version, update);
  while (state && waiting.has(getSyncedVersion(state) + 1)) {
    const update = waiting.get(getSyncedVersion(state) + 1);
    waiting.delete(update.version);
    if (update.clientID === getClientID(state)) confirmed++;
    // One at a time, see the package comment of text.
    state = receiveUpdates(state, [{ clientID: update.clientID, changes: ChangeSet.fromJSON(update.changes) }]).state;
  }
}

socket.on('message', (data) => {
  const message = JSON.parse(data);
  if (message.type === 'call_response') {
    const { resolve, reject } = calls.get(message.callId);
    calls.delete(message.callId);
    return message.success ? resolve(message.result.json) : reject(new Error(JSON.stringify(message.error)));
  }
  if (message.type !== 'incoming_call') return;
  const [{ key }, { args }] = message.chain.json;
  if (message.chain.meta.aliases) throw new Error('shared values');
  if (key === 'handleEdits') arrived(args[1]);
  socket.send(JSON.stringify({ type: 'incoming_call_response', callId: message.callId, success: true, result: { json: null, meta: {} } }));
});
await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));

const opening = await call('subscribe');
state = EditorState.create({
  doc: opening.text,
  extensions: [EditorState.lineSeparator.of('\n'), collab({ startVersion: opening.version })],
});
arrived([]);

const pieces = ['a', 'word ', '\n', '\r\n', '\r', 'é', 'e\u0301', '漢', '😀', '👨‍👩‍👧‍👦', '🇩🇪', '\u{10FFFF}'];
const between = (pos) => (/[\uDC00-\uDFFF]/.test(state.sliceDoc(pos, pos + 1)) ? pos - 1 : pos);
function type() {
  const from = between(below(state.doc.length + 1));
  const to = below(3) ? from : between(Math.min(state.doc.length, from + below(8)));
  let insert = '';
  for (let n = below(4); n > 0; n--) insert += pieces[below(pieces.length)];
  state = state.update({ changes: { from: Math.min(from, to), to: Math.max(from, to), insert } }).state;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function push() {
  const updates = sendableUpdates(state);
  if (!updates.length) return;
  const numbered = updates.map((u, i) => ({ clientID: u.clientID, number: confirmed + i + 1, changes: u.changes.toJSON() }));
  await call('push', getSyncedVersion(state), numbered);
}
let failed;
let pushing = false;
for (let round = 0; round < rounds; round++) {
  type();
  if (!pushing) {
    pushing = true;
    push().catch((e) => { failed = e; }).finally(() => { pushing = false; });
  }
  if (failed) throw failed;
  await pause(below(3));
}
while (sendableUpdates(state).length || pushing) {
  if (!pushing) await push();
  await pause(2);
}
console.log('typed');
const want = Number((await lines.next()).value);
while (getSyncedVersion(state) < want) await pause(2);
console.log(JSON.stringify({ version: getSyncedVersion(state), text: state.sliceDoc(), confirmed }));
socket.close();
process.exit(0);
