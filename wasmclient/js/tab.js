// The tab's part of a client's address: kept over reloads, different in a copy of
// the tab.

const key = 'lmz_tab';
const probeTimeout = 50; // milliseconds

const own = new Set(); // ids that clients of this page have

/** Returns an id of 8 hexadecimal digits that no other client has. */
export async function tabID({ sessionStorage, BroadcastChannel }) {
  if (!sessionStorage || !BroadcastChannel) return fresh();
  let id = sessionStorage.getItem(key);
  if (!/^[0-9a-f]{8}$/.test(id ?? '') || own.has(id) || (await taken(id, BroadcastChannel))) id = fresh();
  if (own.size === 0) sessionStorage.setItem(key, id); // a second client of this page is not kept
  hold(id, BroadcastChannel);
  return id;
}

function fresh() {
  return Array.from(crypto.getRandomValues(new Uint8Array(4)), (b) => b.toString(16).padStart(2, '0')).join('');
}

/** Asks the other tabs, one of which may be the original of this one. */
function taken(id, BroadcastChannel) {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(id);
    const end = (answer) => {
      channel.close();
      resolve(answer);
    };
    channel.onmessage = () => end(true);
    channel.postMessage('probe');
    setTimeout(() => end(false), probeTimeout);
  });
}

/** Answers those who ask. */
function hold(id, BroadcastChannel) {
  own.add(id);
  const channel = new BroadcastChannel(id);
  channel.unref?.(); // keeps no Node process alive
  channel.onmessage = ({ data }) => {
    if (data === 'probe') channel.postMessage('in-use');
  };
}
