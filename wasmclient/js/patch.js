// Merge patches of JSON documents, RFC 7396. Package lmz has the same for Go.

const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);

// Sets an own member even if its name is __proto__.
const set = (object, key, value) => Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });

/** Returns target with a patch applied, or a copy of it if patch is undefined. Neither is changed. */
export function mergePatch(target, patch) {
  if (patch === undefined) return structuredClone(target);
  if (!isObject(patch)) return patch;
  const after = isObject(target) ? { ...target } : {};
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete after[key];
    else set(after, key, mergePatch(Object.hasOwn(after, key) ? after[key] : undefined, change));
  }
  return after;
}

/**
 * Returns the patch that turns before into after, or undefined if they are equal. A patch
 * cannot set a member to null: null deletes it.
 */
export function mergeDiff(before, after) {
  if (!isObject(before) || !isObject(after)) return equal(before, after) ? undefined : structuredClone(after);
  const patch = {};
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) set(patch, key, null);
  for (const [key, value] of Object.entries(after)) {
    const change = Object.hasOwn(before, key) ? mergeDiff(before[key], value) : structuredClone(value);
    if (change !== undefined) set(patch, key, change);
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

function equal(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => equal(v, b[i]));
  if (isObject(a) && isObject(b)) return mergeDiff(a, b) === undefined;
  return Object.is(a, b) || a === b;
}
