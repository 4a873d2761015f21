// Values that hold others: arrays, plain objects, Maps, Sets and errors.

const isPlain = (v) => [Object.prototype, null].includes(Object.getPrototypeOf(v));

function parts(v) {
  if (Array.isArray(v) || v instanceof Set) return v;
  if (v instanceof Map) return [...v].flat();
  return isPlain(v) || v instanceof Error ? Object.values(v) : [];
}

/** Reports whether wanted is true of v or of something in it. */
export function holds(v, wanted, seen = new Set()) {
  if (wanted(v)) return true;
  if (typeof v !== 'object' || v === null || seen.has(v)) return false;
  seen.add(v);
  for (const part of parts(v)) if (holds(part, wanted, seen)) return true;
  return false;
}

/** Copies v with put(x) in place of each wanted x in it. What is one container in two places stays one. */
export function rebuild(v, wanted, put, copies = new Map()) {
  if (wanted(v)) return put(v);
  if (typeof v !== 'object' || v === null) return v;
  if (copies.has(v)) return copies.get(v);
  const copy = (x) => rebuild(x, wanted, put, copies);
  const begin = (made) => {
    copies.set(v, made); // before its parts, which may refer to it
    return made;
  };
  if (Array.isArray(v)) {
    const array = begin(new Array(v.length));
    v.forEach((x, i) => { array[i] = copy(x); });
    return array;
  }
  if (v instanceof Map) {
    const map = begin(new Map());
    for (const [key, value] of v) map.set(copy(key), copy(value));
    return map;
  }
  if (v instanceof Set) {
    const set = begin(new Set());
    for (const x of v) set.add(copy(x));
    return set;
  }
  if (!isPlain(v) && !(v instanceof Error)) return v;
  const object = begin(v instanceof Error ? v : {}); // an error is of this call only
  for (const [key, value] of Object.entries(v)) {
    Object.defineProperty(object, key, { value: copy(value), writable: true, enumerable: true, configurable: true });
  }
  return object;
}
