// Requests and responses of fetch as values: their contents are available synchronously.

const isBytes = (v) => v instanceof ArrayBuffer || ArrayBuffer.isView(v);

/** Sets members as own properties, even one called __proto__. */
function own(object, members) {
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}

/** The base of both: its body is null, text, bytes, or a value for JSON. */
class Message {
  json() {
    const { body } = this;
    return typeof body === 'string' || isBytes(body) ? JSON.parse(this.text()) : body ?? null;
  }

  text() {
    const { body } = this;
    if (typeof body === 'string') return body;
    if (isBytes(body)) return new TextDecoder().decode(body);
    return (body ?? null) === null ? '' : JSON.stringify(body);
  }

  arrayBuffer() {
    const { body } = this;
    if (body instanceof ArrayBuffer) return body;
    const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(body) ? body : new TextEncoder().encode(this.text());
    return buffer.slice(byteOffset, byteOffset + byteLength);
  }

  blob() {
    return new Blob([this.arrayBuffer()], { type: this.headers.get('Content-Type') ?? '' });
  }

  /** A copy with the same body. */
  clone() {
    const copy = Object.create(Object.getPrototypeOf(this), Object.getOwnPropertyDescriptors(this));
    copy.headers = new Headers(this.headers);
    return copy;
  }

  formData() {
    throw new Error(`FormData not supported in ${this.constructor.name} - use json() or text() instead`);
  }
}

/** Returns the body as fetch accepts it. */
function nativeBody(message) {
  return (message.body ?? null) === null ? null : isBytes(message.body) ? message.body : message.text();
}

/** A fetch request as a value. Only url, method, headers and body are sent. */
export class RequestSync extends Message {
  constructor(input, { method, headers, body, credentials } = {}) {
    super();
    const from = typeof input === 'object' && !(input instanceof URL) ? input : { url: input };
    if (from instanceof Request && from.body && body === undefined) throw new TypeError('a RequestSync cannot wait for the body of a Request: read it first');
    const normal = new Request(from.url, { method: method ?? from.method ?? 'GET', credentials: credentials ?? from.credentials ?? 'same-origin' });
    own(this, {
      url: normal.url, method: normal.method, headers: new Headers(headers ?? from.headers),
      body: (body === undefined ? from.body : body) ?? null,
    });
    if (normal.credentials !== this.credentials) hidden(this, 'credentials', normal.credentials);
  }

  toRequest() {
    const { url, method, headers, credentials } = this;
    return new Request(url, { method, headers, body: nativeBody(this), credentials });
  }
}
hidden(RequestSync.prototype, 'credentials', 'same-origin');

/** A fetch response as a value. Only status, statusText, headers and body are sent. */
export class ResponseSync extends Message {
  constructor(body = null, init = {}) {
    super();
    const { status, statusText } = new Response(null, init); // checks them
    own(this, { status, statusText, headers: new Headers(init.headers), body });
  }

  /** Reads a response: JSON and text by its type, everything else as bytes. */
  static async fromResponse(response) {
    const type = response.headers.get('Content-Type') ?? '';
    let body = null;
    if (response.body && !response.bodyUsed) {
      if (type.includes('application/json')) body = await response.json();
      else if (type.includes('text/') || type.includes('application/javascript')) body = await response.text();
      else body = await response.arrayBuffer();
    }
    return new ResponseSync(body, response);
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  toResponse() {
    return new Response(nativeBody(this), this);
  }
}

/** Make a request or response received from another node, with whatever members it has. */
export const requestOf = (members) => own(Object.create(RequestSync.prototype), members);
export const responseOf = (members) => own(Object.create(ResponseSync.prototype), members);

function hidden(object, key, value) {
  Object.defineProperty(object, key, { value, writable: true, enumerable: false, configurable: true });
}
