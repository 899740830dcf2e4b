import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sha256WithKeys } from './sha256.ts'

/** RFC 4231, test cases 1, 2 and 6 (a key longer than a block). */
test.for<[key: Uint8Array, data: string, mac: string]>([
  [new Uint8Array(20).fill(0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [Buffer.from('Jefe'), 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
  [
    new Uint8Array(131).fill(0xaa),
    'Test Using Larger Than Block-Size Key - Hash Key First',
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
])('is the HMAC of RFC 4231 (%#)', async ([key, data, mac]) => {
  const Ours = sha256WithKeys()
  for (let i = 0; i < 2; i++) {
    const hash = new Ours(key)
    hash.update(data)
    expect(Buffer.from(await hash.digest()).toString('hex')).toBe(mac)
  }
})

const bytes = fc.uint8Array({ maxLength: 200 })
/** Whatever the SDK may hand over: a text, bytes, bytes within others, a bare buffer. */
const data = fc.oneof(
  fc.string({ unit: 'binary' }),
  bytes,
  fc.tuple(bytes, fc.nat(50)).map(([all, from]) => all.subarray(Math.min(from, all.length))),
  bytes.map((all) => all.slice().buffer),
)

test('is what Node makes of it, whatever it is given', async () => {
  const Ours = sha256WithKeys()
  await fc.assert(
    fc.asyncProperty(
      fc.option(fc.oneof(fc.string({ minLength: 1 }), bytes), { nil: undefined }),
      fc.array(data),
      async (secret, parts) => {
        const ours = new Ours(secret)
        const theirs = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
        for (const part of parts) {
          ours.update(part)
          theirs.update(typeof part === 'string' ? Buffer.from(part) : new Uint8Array(part as Uint8Array))
        }
        expect(Buffer.from(await ours.digest())).toEqual(theirs.digest())
        ours.reset()
        ours.update('again')
        expect(await ours.digest()).toHaveLength(32)
      },
    ),
  )
})

test('a secret that changes is not taken for the one before', async () => {
  const Ours = sha256WithKeys()
  const macs = await Promise.all(
    ['a', 'b', 'a', Buffer.from('a'), Buffer.from('b')].map(async (secret) => {
      const hash = new Ours(secret)
      hash.update('message')
      return Buffer.from(await hash.digest()).toString('hex')
    }),
  )
  expect(macs).toEqual([macs[0], macs[1], macs[0], macs[0], macs[1]])
  expect(macs[0]).not.toBe(macs[1])
})
