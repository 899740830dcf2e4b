import { createHash, createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'

/** What a Hash and an Hmac have in common. */
type Digesting = { update(data: string | Uint8Array): unknown; digest(): Uint8Array }
type Data = string | ArrayBuffer | ArrayBufferView

/** A secret that is a text, and the last message of a single part that was signed with it. */
type Text = { secret: string; key: KeyObject; last: Readonly<{ message: Buffer; mac: Uint8Array }> | null }

/**
 * SHA-256 for the SDK's signatures, out of Node's own parts as in the SDK; but each secret becomes a KeyObject once, where the
 * SDK hands its bytes to `createHmac` twice a call: that takes Node 24 six times as long, a tenth of the whole call. And the SDK signs the
 * access key with the secret at each call, to find the day's key again: that is remembered. Make one for each client: it remembers
 * the secrets of whoever uses it.
 */
export function sha256WithKeys() {
  const keys = new WeakMap<object, KeyObject>()
  /** The secret access key: a client has one. */
  let text: Text | null = null

  function textOf(secret: string): Text {
    if (text?.secret !== secret) text = { secret, key: createSecretKey(secret, 'utf8'), last: null }
    return text
  }

  function keyOf(secret: Data): KeyObject {
    if (typeof secret === 'string') return textOf(secret).key
    const key = keys.get(secret) ?? createSecretKey(bytesOf(secret))
    keys.set(secret, key)
    return key
  }

  function macOf(secret: string, message: Buffer): Uint8Array {
    const known = textOf(secret)
    if (known.last?.message.equals(message) !== true)
      known.last = { message: Buffer.from(message), mac: createHmac('sha256', known.key).update(message).digest() }
    return known.last.mac
  }

  return class Sha256 {
    readonly #secret: Data | undefined
    /** A first part that may be the only one. */
    #only: Buffer | null = null
    #hash: Digesting | null = null

    constructor(secret?: Data) {
      this.#secret = secret
    }

    #begun(): Digesting {
      if (this.#hash !== null) return this.#hash
      const begun = this.#secret === undefined ? createHash('sha256') : createHmac('sha256', keyOf(this.#secret))
      if (this.#only !== null) begun.update(this.#only)
      this.#only = null
      this.#hash = begun
      return begun
    }

    update(data: Data): void {
      const bytes = typeof data === 'string' ? Buffer.from(data) : bytesOf(data)
      if (this.#hash === null && this.#only === null) this.#only = bytes
      else this.#begun().update(bytes)
    }

    async digest(): Promise<Uint8Array> {
      const only = this.#only
      if (only === null) return this.#begun().digest()
      if (this.#secret === undefined) return hash('sha256', only, 'buffer')
      return typeof this.#secret === 'string' ? macOf(this.#secret, only) : this.#begun().digest()
    }

    reset(): void {
      this.#only = null
      this.#hash = null
    }
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Buffer {
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data)
}
