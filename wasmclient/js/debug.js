// Logging by namespace, enabled by DEBUG in a page's storage or in the environment. Package
// debug is the same for Go.

const levels = ['debug', 'info', 'warn', 'error'];
const secretName = /token|secret|password|authorization|cookie|apikey|privatekey|credential/;
const secretText = /\beyJ[\w-]*\.[\w-]+\.[\w-]*|\bbearer\s+[\w.~+/=-]+/gi;
const redacted = '[redacted]';

let sink;

/**
 * Returns a logger for a namespace. It writes the entries that pass the filter, and all
 * errors, to console.debug. The filter is read once, here.
 */
export function debug(namespace) {
  const shown = filter(filterText());
  const write = (level) => (message, data) => {
    if (!sink && !shown(namespace, level)) return;
    const entry = { type: 'debug', level, namespace, message, timestamp: new Date().toISOString(), ...(data !== undefined && { data }) };
    if (sink) sink(entry);
    else console.debug(JSON.stringify(entry, shortened(), 2));
  };
  return {
    namespace,
    get enabled() {
      return sink !== undefined || levels.slice(0, 3).some((level) => shown(namespace, level));
    },
    ...Object.fromEntries(levels.map((level) => [level, write(level)])),
  };
}

/** Sends every entry of every level to f instead of the console. */
export function setDebugSink(f) {
  sink = f ?? undefined;
}

/** Undoes setDebugSink. */
export function clearDebugSink() {
  sink = undefined;
}

function filterText() {
  const { env } = globalThis.process ?? {};
  if (env?.DEBUG !== undefined) return env.DEBUG;
  try {
    return globalThis.localStorage?.getItem('DEBUG') ?? '';
  } catch {
    return ''; // storage is blocked here
  }
}

/** Parses a filter; ParseFilter of package debug explains its syntax. */
export function filter(text) {
  const parts = text.split(/[,\s]+/).filter(Boolean);
  const minus = parts.filter((part) => part.startsWith('-') && part !== '-').map((part) => rule(part.slice(1)));
  const plus = parts.filter((part) => !part.startsWith('-')).map(rule);
  return (namespace, level) => {
    const matches = (fits) => fits(namespace, levels.indexOf(level));
    return level === 'error' || (plus.some(matches) && !minus.some(matches));
  };
}

function rule(part) {
  const colon = part.lastIndexOf(':');
  const least = Math.max(colon > 0 ? levels.indexOf(part.slice(colon + 1)) : 0, 0);
  let name = colon > 0 ? part.slice(0, colon) : part;
  const prefix = name.endsWith('*') && !name.endsWith('.*');
  name = name.replace(/\.?\*$/, '');
  return (namespace, level) => {
    const rest = namespace.slice(name.length);
    return level >= least && namespace.startsWith(name) && (prefix || rest === '' || rest.startsWith('.'));
  };
}

/** Returns a replacer for JSON.stringify that handles unsupported values and redacts secrets. */
function shortened() {
  const above = []; // the objects that hold the value
  return function replace(key, value) {
    if (secretName.test(key.toLowerCase().replace(/[-_.]/g, ''))) return redacted;
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'string') return value.replace(secretText, redacted);
    if (typeof value !== 'object' || value === null) return value;
    above.splice(above.indexOf(this) + 1); // all of them if this is the entry
    if (above.includes(value)) return '[Circular]';
    above.push(value);
    return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack, ...value } : value;
  };
}
