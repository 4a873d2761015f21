// The lifecycle of a tab: events that a socket does not report.

const tick = 5000; // milliseconds between checks of the clock
const slept = 15_000; // milliseconds between two checks that mean that the machine slept

const listeners = new Set(); // { wake, suspend }, one for each client
let clock;

/**
 * Calls wake whenever the connection may have died unnoticed, or may be possible again,
 * and suspend before the page enters the back/forward cache. Returns a function that
 * stops this.
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
  clock.unref?.(); // does not keep a Node.js process alive
}

function end() {
  for (const [type, f] of events) target(type)?.removeEventListener?.(type, f);
  clearInterval(clock);
}
