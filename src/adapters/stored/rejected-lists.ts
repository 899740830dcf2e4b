import type { Member } from '../../domain/incident.ts'
import type { RejectedEvent } from '../../domain/verdict.ts'

/**
 * The events that were considered for the members of one incident and rejected, as they are stored. Members that were judged by the
 * same reading have mostly the same ones, and they are three quarters of what a member says: each list is stored once, and the
 * members have its number.
 */
export class RejectedLists {
  /** By what they say. */
  readonly #numbers = new Map<string, number>()
  /** How many members have each of them. */
  readonly #uses = new Map<number, number>()
  /** The list of each member, by its place. */
  readonly #ofPlace = new Map<number, number>()
  #next = 0

  /**
   * A member has this list from now on.
   * @returns its number, `null` if there is nothing in it; and its document, if it has to be stored first
   */
  put(place: number, rejected: readonly RejectedEvent[]): Readonly<{ list: number | null; added: string | null }> {
    this.drop(place)
    if (rejected.length === 0) return { list: null, added: null }
    const doc = documentOf(rejected)
    const known = this.#numbers.get(doc)
    const list = known ?? this.#next++
    this.#numbers.set(doc, list)
    this.#uses.set(list, (this.#uses.get(list) ?? 0) + 1)
    this.#ofPlace.set(place, list)
    return { list, added: known === undefined ? doc : null }
  }

  /** This member is gone. A list that nobody has stays until `tidy`: the next member may have it again. */
  drop(place: number): void {
    const list = this.#ofPlace.get(place)
    if (list === undefined) return
    this.#ofPlace.delete(place)
    this.#uses.set(list, (this.#uses.get(list) ?? 0) - 1)
  }

  /** Forgets the lists that no member has. @returns their numbers */
  tidy(): readonly number[] {
    const unused = [...this.#numbers].filter(([, list]) => (this.#uses.get(list) ?? 0) === 0)
    for (const [doc, list] of unused) {
      this.#numbers.delete(doc)
      this.#uses.delete(list)
    }
    return unused.map(([, list]) => list)
  }
}

const documents = new WeakMap<readonly RejectedEvent[], string>()
/** A list that a thousand members share is written out once. */
function documentOf(rejected: readonly RejectedEvent[]): string {
  const known = documents.get(rejected)
  if (known !== undefined) return known
  const doc = JSON.stringify(rejected)
  documents.set(rejected, doc)
  return doc
}

/** The document of a member whose list is stored apart from it. */
export function memberDocument(member: Member, list: number | null): string {
  return JSON.stringify(list === null ? member : withRejected(member, []))
}

export function withRejected(member: Member, rejected: readonly RejectedEvent[]): Member {
  const { judgement } = member
  return { ...member, judgement: { ...judgement, verdict: { ...judgement.verdict, rejected } } }
}
