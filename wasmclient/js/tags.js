// Numbers of CBOR (RFC 8949) and of the tags that lmz uses (PROTOCOL.md, "Values").

export const maxNesting = 192;
export const maxFrame = 1 << 20, maxPayload = maxFrame - (16 << 10); // bytes: PROTOCOL.md, "Limits"

export const UINT = 0, NEGINT = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, TAG = 6;
export const tagDateText = 0, tagDateEpoch = 1, tagBigPositive = 2, tagBigNegative = 3, tagObject = 27,
  tagShared = 28, tagReference = 29, tagURL = 32, tagClamped = 68, tagSet = 258, tagMap = 259, tagRegExp = 21066;

// Typed arrays, RFC 8746, little endian; the big endian tag is four less.
export const arrayTags = new Map([
  [Uint16Array, 69], [Uint32Array, 70], [BigUint64Array, 71], [Int8Array, 72], [Int16Array, 77],
  [Int32Array, 78], [BigInt64Array, 79], [Float32Array, 85], [Float64Array, 86], [Uint8ClampedArray, tagClamped],
].map(([type, tag]) => [type.name, tag]));
export const arrayTypes = new Map([[64, Uint8Array]]);
for (const [name, tag] of arrayTags) {
  const type = globalThis[name];
  arrayTypes.set(tag, type);
  if (type.BYTES_PER_ELEMENT > 1) arrayTypes.set(tag - 4, type);
}
