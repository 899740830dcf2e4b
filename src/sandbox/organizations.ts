import type { IncomingMessage, ServerResponse } from 'node:http'
import { CALLER, PERSONAL } from './aws.ts'

/** An account in the stand-in's organization. */
export type StoodAccount = Readonly<{
  id: string
  /** Unit that it is in; default: the root. */
  in?: string
  /** Default: planted personal data. */
  name?: string
  /** Default `ACTIVE`. */
  state?: 'PENDING_ACTIVATION' | 'ACTIVE' | 'SUSPENDED' | 'PENDING_CLOSURE' | 'CLOSED'
}>

const ORGANIZATION_ANSWERS = [
  'ok',
  'denied',
  'not-in-use',
  'throttled',
  '500',
  'garbage',
  'truncated',
  'no-list',
  'misfit',
  'never-ends',
  'hang',
] as const
export type OrganizationAnswer = (typeof ORGANIZATION_ANSWERS)[number]

const TARGET = 'AWSOrganizationsV20161128.'
const MAX_PAGE = 20
const MAX_ASKED = 10_000
export const ROOT_ID = 'r-ab12'

/**
 * A stand-in for the part of the Organizations API that lists (JSON 1.1, pages of 20). Every account bears the planted
 * personal data. Whatever writes is refused, and counted. Mount it in any HTTP server by `handle`.
 */
export class OrganizationStandIn {
  /** The management account among them. */
  accounts: readonly StoodAccount[] = [{ id: CALLER.account }]
  /** Units by id, each with the id of its parent. */
  units: ReadonlyMap<string, string> = new Map()
  management: string = CALLER.account
  /** The last counts from then on. */
  answers: readonly OrganizationAnswer[] = ['ok']
  /** As AWS did until 9 September 2026: both, or only the older of the two. */
  tells: 'State' | 'Status' = 'State'
  /** Names of the operations that were asked, oldest first; bounded. */
  readonly asked: string[] = []
  #given = 0

  handle(request: IncomingMessage, body: string, response: ServerResponse): boolean {
    const target = request.headers['x-amz-target']
    if (request.method !== 'POST' || typeof target !== 'string' || !target.startsWith(TARGET)) return false
    const operation = target.slice(TARGET.length)
    this.asked.push(operation)
    if (this.asked.length > MAX_ASKED) this.asked.shift()
    const answer = this.answers[Math.min(this.#given++, this.answers.length - 1)] ?? 'ok'
    if (answer === 'hang') return true
    const { status, text } = this.#answer(operation, parsed(body), answer)
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'content-length': Buffer.byteLength(text) })
    response.end(text)
    return true
  }

  #answer(operation: string, input: Readonly<Record<string, unknown>>, answer: OrganizationAnswer) {
    const error = ERRORS[answer]
    if (error !== undefined) return fail(...error)
    if (answer === 'garbage') return { status: 200, text: `<html>${PERSONAL.name}</html>` }
    if (answer === 'no-list') return { status: 200, text: '{}' }
    const page = this.#list(operation, input)
    if (page === null) return fail(400, operation.startsWith('List') ? 'ParentNotFoundException' : 'AccessDeniedException')
    const text = JSON.stringify(page)
    if (answer === 'truncated') return { status: 200, text: text.slice(0, -1) }
    if (answer === 'misfit') return { status: 200, text: JSON.stringify({ ...page, Accounts: [{ Id: PERSONAL.name }] }) }
    if (answer === 'never-ends') return { status: 200, text: JSON.stringify({ ...page, NextToken: '0' }) }
    return { status: 200, text }
  }

  #list(operation: string, input: Readonly<Record<string, unknown>>): object | null {
    const parent = String(input['ParentId'])
    const isKnown = parent === ROOT_ID || this.units.has(parent)
    switch (operation) {
      case 'ListAccounts':
        return paged(
          'Accounts',
          this.accounts.map((one) => this.#account(one)),
          input,
        )
      case 'ListAccountsForParent': {
        const inside = this.accounts.filter((one) => (one.in ?? ROOT_ID) === parent)
        return isKnown
          ? paged(
              'Accounts',
              inside.map((one) => this.#account(one)),
              input,
            )
          : null
      }
      case 'ListOrganizationalUnitsForParent': {
        const units = [...this.units].filter(([, above]) => above === parent).map(([id]) => ({ Id: id, Name: 'a unit' }))
        return isKnown ? paged('OrganizationalUnits', units, input) : null
      }
      default:
        return null
    }
  }

  #account({ id, state = 'ACTIVE', name = PERSONAL.name }: StoodAccount) {
    const arn = `arn:aws:organizations::${this.management}:account/o-ab12cd34ef/${id}`
    return { Id: id, Arn: arn, Email: PERSONAL.email, Name: name, [this.tells]: state, JoinedMethod: 'CREATED' }
  }
}

const ERRORS: Readonly<Partial<Record<OrganizationAnswer, readonly [status: number, type: string]>>> = {
  denied: [400, 'AccessDeniedException'],
  'not-in-use': [400, 'AWSOrganizationsNotInUseException'],
  throttled: [400, 'TooManyRequestsException'],
  '500': [500, 'ServiceException'],
}

function fail(status: number, type: string) {
  return { status, text: JSON.stringify({ __type: type, Message: `${PERSONAL.email} may not` }) }
}

/** A token is the number of the next element. */
function paged(key: string, all: readonly object[], input: Readonly<Record<string, unknown>>): object {
  const from = Number(input['NextToken'] ?? 0)
  const size = Math.min(Number(input['MaxResults'] ?? MAX_PAGE), MAX_PAGE)
  const next = from + size
  return { [key]: all.slice(from, next), ...(next < all.length ? { NextToken: String(next) } : {}) }
}

function parsed(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
