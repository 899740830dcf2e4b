import { SignatureV4 } from '@smithy/signature-v4'
import type { Headers } from './answer.ts'
import { currentCall } from './call.ts'
import type { Identity } from './provider.ts'
import { sha256WithKeys } from './sha256.ts'

/** AWS refuses a signature that is dated five minutes off; from four on we take the refusal to be about the date. */
const SKEWED_MS = 4 * 60_000
/** The time in an answer that took longer than this says nothing. */
const MAX_FLIGHT_MS = 15 * 60_000
/** The last time that a signature can be dated. */
const MAX_DATE = Date.parse('9999-12-31T00:00:00Z')

/** A client wants credentials even if it does not sign with them. */
const NOBODY: Identity = { accessKeyId: 'alibi', secretAccessKey: 'alibi' }

/** What the endpoint rules say of how to sign. */
type Scheme = Readonly<{ signingName?: string; signingRegion?: string }>

type SigningOptions = Readonly<{ credentials: Identity | (() => Promise<Identity>); region: string; service: string }>

/**
 * How far AWS's clock is ahead of ours, learned from the Date of each answer, refusals included. A client of the SDK learns it for
 * itself only, and one made for a single call never benefits. Here all clients of the process share what any of them has learned, by
 * the signer that they are given: the next signature has the right date, whoever makes it.
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

  /**
   * The same for a client that several identities share: each call is signed by the one that it bears (`asCall`), for the service
   * and region that the client's endpoint rules name, else for these.
   */
  signingByCall(byDefault: () => Readonly<{ service: string; region: string; uriEscapePath: boolean }>) {
    const signers = new WeakMap<Identity, SignatureV4>()
    const signerOf = (identity: Identity) => {
      const known = signers.get(identity)
      if (known !== undefined) return known
      const signer = new SignatureV4({ credentials: identity, sha256: sha256WithKeys(), ...byDefault() })
      signers.set(identity, signer)
      return signer
    }
    const signer = async (scheme?: Scheme) => {
      const { service, region } = byDefault()
      const scope = { signingService: scheme?.signingName ?? service, signingRegion: scheme?.signingRegion ?? region }
      const sign = (request: never) => {
        const identity = currentCall()?.identity
        if (identity === undefined) throw new Error('this call bears no identity')
        return signerOf(identity).sign(request, { ...scope, signingDate: new Date(Date.now() + this.ms) })
      }
      return { sign }
    }
    return { credentials: NOBODY, signer }
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
