// The life of a tab: what happens to it that a socket does not tell.

const tick = 5000; // milliseconds between looks at the clock
const slept = 15_000; // and how much later than that means that the machine slept

const listeners = new Set(); // { wake, suspend }, one for each client
let clock;

/**
 * Has wake called whenever the connection may have died unnoticed, or may be possible
 * again, and suspend before the page is put away as it is. Returns a function that ends
 * that.
 */
export function watch(wake, suspend) {
  const listener = { wake, suspend };
  if (listeners.size === 0) begin();
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) end();
  };
}

const onWake = () => {
  if (globalThis.document?.visibilityState !== 'hidden') wakeAll();
};

function wakeAll() {
  for (const { wake } of listeners) wake();
}

// A page with an open socket cannot go into the back/forward cache.
const onHide = ({ persisted }) => {
  if (persisted) for (const { suspend } of listeners) suspend();
};

const events = [
  ['online', wakeAll], ['offline', wakeAll], ['focus', onWake], ['pageshow', wakeAll], ['pagehide', onHide], // of the page or Worker
  ['visibilitychange', onWake], ['resume', wakeAll], // of the document
];

const target = (type) => (type === 'visibilitychange' || type === 'resume' ? globalThis.document : globalThis);

function begin() {
  for (const [type, f] of events) target(type)?.addEventListener?.(type, f);
  let last = Date.now();
  clock = setInterval(() => {
    const now = Date.now();
    if (now - last > slept) wakeAll();
    last = now;
  }, tick);
  clock.unref?.(); // keeps no Node process alive
}

function end() {
  for (const [type, f] of events) target(type)?.removeEventListener?.(type, f);
  clearInterval(clock);
}
