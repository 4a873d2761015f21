// The value codec of lmz in JavaScript: CBOR with the registered tags of
// PROTOCOL.md, "Values", and nothing else.

export { decode } from './decode.js';
export { encode, encodeChain, encodeError } from './encode.js';
