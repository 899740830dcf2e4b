import { SignatureV4 } from '@smithy/signature-v4'
import type { Headers } from './answer.ts'
import type { Identity } from './provider.ts'
import { sha256WithKeys } from './sha256.ts'

/** AWS refuses a signature that is dated five minutes off; from four on we take the refusal to be about the date. */
const SKEWED_MS = 4 * 60_000
/** The time in an answer that took longer than this says nothing. */
const MAX_FLIGHT_MS = 15 * 60_000
/** The last time that a signature can be dated. */
const MAX_DATE = Date.parse('9999-12-31T00:00:00Z')

type SigningOptions = Readonly<{ credentials: Identity | (() => Promise<Identity>); region: string; service: string }>

/**
 * How far AWS's clock is ahead of ours, learned from the Date of each answer, refusals included. A client of the SDK learns it for
 * itself only, and one made for a single call never benefits. Here all clients of the process share what any of them has learned, by
 * the signer that they are given: the next signature is dated right, whoever makes it.
 */
export class ClockOffset {
  ms = 0

  /** As the SDK learns it. An answer with an Age comes out of a cache. */
  learn(headers: Headers, { sentAt, receivedAt }: Readonly<{ sentAt: number; receivedAt: number }>): void {
    const told = Date.parse(headers['date'] ?? '')
    if (headers['age'] !== undefined || receivedAt - sentAt > MAX_FLIGHT_MS) return
    if (told > 0 && told < MAX_DATE) this.ms = told - receivedAt
  }

  /** For the options of a client: its credentials, and the SDK's own signer, dated by AWS's clock. */
  signing({ credentials, region, service }: SigningOptions) {
    let held = typeof credentials === 'function' ? null : credentials
    const provide = typeof credentials === 'function' ? credentials : async () => credentials
    const provided = async () => {
      held = await provide()
      return held
    }
    // A client asks for credentials before it signs, and keeps them while they last: the signer takes the same ones.
    const holding = async () => held ?? (await provided())
    const signer = new SignatureV4({ credentials: holding, region, service, sha256: sha256WithKeys(), uriEscapePath: true })
    const sign = (request: never, options: object) =>
      signer.sign(request, { ...options, signingDate: new Date(Date.now() + this.ms) })
    return {
      credentials: typeof credentials === 'function' ? provided : credentials,
      signer: { sign: sign as SignatureV4['sign'] },
    }
  }

  /** Asks once more, at once, if the refusal itself showed that our clock is off. */
  async corrected<T>(ask: () => Promise<T>): Promise<T> {
    const before = this.ms
    try {
      return await ask()
    } catch (error) {
      if (Math.abs(this.ms - before) < SKEWED_MS) throw error
      return await ask()
    }
  }
}
