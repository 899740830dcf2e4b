import type { SourceAnswer } from '../domain/outage.ts'
import type { Outcome, Probe } from '../domain/probe.ts'
import { nameOfThrown } from '../domain/thrown.ts'
import type { HealthSource } from '../ports/health.ts'
import type { HealthQueue } from '../ports/health-queue.ts'
import type { Heartbeat } from '../ports/heartbeat.ts'
import { type Fate, type Mail, MailError, type Mailer } from '../ports/mailer.ts'
import type { Organization } from '../ports/organization.ts'
import { type Store, StoreError } from '../ports/store.ts'

/*
 * Every port promises what it throws; most of them promise to throw nothing. An adapter talks to libraries and to foreign servers, and
 * may have a bug. These wrappers keep the promise for it, so that nothing that an adapter throws keeps an alert from being sent.
 */

/** A source that throws, or gives an answer that cannot be read, could not be asked. */
export function guardedSource(source: HealthSource): HealthSource {
  return {
    async ask(now, since, signal): Promise<SourceAnswer> {
      const broken = (what: string): SourceAnswer => ({
        state: 'unavailable',
        at: now,
        why: `an internal error of Alibi: ${what}`,
      })
      try {
        const answer = await source.ask(now, since, signal)
        return isAnswer(answer) ? answer : broken('the source gave no answer')
      } catch (cause) {
        return broken(nameOfThrown(cause))
      }
    },
  }
}

function isAnswer(answer: SourceAnswer): boolean {
  return answer.state === 'answered' ? Array.isArray(answer.events) : typeof answer.state === 'string'
}

export function guardedQueue(queue: HealthQueue): HealthQueue {
  const broken = (cause: unknown) => `an internal error of Alibi: ${nameOfThrown(cause)}`
  return {
    async receive(waitMs, limit, signal) {
      try {
        const received = await queue.receive(waitMs, limit, signal)
        const isSound = received.state !== 'received' || Array.isArray(received.messages)
        return isSound ? received : { state: 'unavailable', why: broken(new TypeError('no messages')) }
      } catch (cause) {
        return { state: 'unavailable', why: broken(cause) }
      }
    },
    async delete(messages, signal) {
      try {
        return await queue.delete(messages, signal)
      } catch (cause) {
        return broken(cause)
      }
    },
  }
}

/** Whatever a mailer throws becomes a MailError that is retried: nobody knows how far it came. */
export function guardedMailer(mailer: Mailer): Mailer {
  const asMailError = (cause: unknown) =>
    cause instanceof MailError
      ? cause
      : new MailError(`an internal error of Alibi: ${nameOfThrown(cause)}`, { permanent: false, uncertain: true, cause })
  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      throw asMailError(cause)
    }
  }
  return {
    send: (mail, signal) => guard(async () => soundFates(mail, await mailer.send(mail, signal))),
    verify: (signal) => guard(async () => String(await mailer.verify(signal))),
    close: () => guard(() => mailer.close()),
  }
}

/** One fate per address. If an address has none, or one that cannot be read, nobody knows whether the email was accepted for it. */
function soundFates({ envelope }: Mail, fates: readonly Fate[]): readonly Fate[] {
  return envelope.map((address): Fate => {
    const fate = fates.find((one) => one.address === address)
    if (fate?.accepted === true) return { address, accepted: true, reply: String(fate.reply) }
    if (fate?.accepted === false && fate.error instanceof MailError) return fate
    const message = 'an internal error of Alibi: the mailer said nothing about this address'
    return { address, accepted: false, error: new MailError(message, { permanent: false, uncertain: true }) }
  })
}

/** Whatever a store throws becomes a StoreError that is not fatal: what could not be written is written with the next decision. */
export function guardedStore(store: Store): Store {
  const asStoreError = (cause: unknown) =>
    cause instanceof StoreError
      ? cause
      : new StoreError(`an internal error of Alibi: ${nameOfThrown(cause)}`, { fatal: false, cause })
  return new Proxy(store, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function' || key === 'watch') return typeof method === 'function' ? method.bind(target) : method
      return async (...given: unknown[]) => {
        try {
          return await Reflect.apply(method, target, given)
        } catch (cause) {
          throw asStoreError(cause)
        }
      }
    },
  })
}

export function guardedHeartbeat(heartbeat: Heartbeat): Heartbeat {
  return {
    async beat(reasons, signal) {
      try {
        return await heartbeat.beat(reasons, signal)
      } catch (cause) {
        return `an internal error of Alibi: ${nameOfThrown(cause)}`
      }
    },
  }
}

export function guardedOrganization(organization: Organization): Organization {
  return {
    async list(monitor, signal) {
      try {
        return await organization.list(monitor, signal)
      } catch (cause) {
        return { ok: false, why: `an internal error of Alibi: ${nameOfThrown(cause)}` }
      }
    },
  }
}

/** A run that ended in an internal error says nothing. */
export function faultyRun(probe: Probe, startedAt: number, endedAt: number): Outcome {
  return { probe: probe.id, startedAt, endedAt, tries: [], control: null, result: 'inconclusive', kind: 'fault' }
}

/** @throws {TypeError} if a prober resolves with something that is no outcome */
export function soundOutcome(outcome: Outcome): Outcome {
  if (!Array.isArray(outcome.tries) || typeof outcome.result !== 'string') throw new TypeError('the prober gave no outcome')
  return outcome
}
