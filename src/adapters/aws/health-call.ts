import { setTimeout } from 'node:timers/promises'
import {
  type DescribeAffectedAccountsForOrganizationCommand,
  type DescribeEventDetailsCommand,
  type DescribeEventsCommand,
  type DescribeEventsForOrganizationCommand,
  type DescribeHealthServiceStatusForOrganizationCommand,
  type HealthClient,
  HealthServiceException,
} from '@aws-sdk/client-health'
import { throttlePauseMs } from '../../domain/backoff.ts'
import { fieldOf, readThrown } from '../../domain/thrown.ts'
import { ProxyError } from '../outlet.ts'
import type { ClockOffset } from './clock-offset.ts'
import { KeyringError } from './credentials.ts'
import { isBrokenLine, isThrottled } from './failure.ts'
import { oneLine, recordOf } from './health-answer.ts'
import { onTheWire } from './raw-answer.ts'

/** What it means that AWS will not answer until something is changed on our side: by name, for the status is 400 for all. */
const REFUSALS: Readonly<Record<string, string>> = {
  SubscriptionRequiredException: 'the account has no support plan that includes the AWS Health API (Business Support+ or above)',
  AccessDenied: 'the credentials are not allowed to ask the AWS Health API',
  AccessDeniedException: 'the credentials are not allowed to ask the AWS Health API',
  NotAuthorized: 'the credentials are not allowed to ask the AWS Health API',
  UnauthorizedOperation: 'the credentials are not allowed to ask the AWS Health API',
  OptInRequired: 'the account is not signed up for the AWS Health API',
}

const BAD_CREDENTIALS: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
])

type Command =
  | DescribeAffectedAccountsForOrganizationCommand
  | DescribeEventDetailsCommand
  | DescribeEventsCommand
  | DescribeEventsForOrganizationCommand
  | DescribeHealthServiceStatusForOrganizationCommand

/** Before the one more try of a call that failed for what may be over in a moment. */
const BLINK_MS = 100

/** What one call has to allow for: how long it first waits when AWS throttles, and with which error AWS last did so. */
export type Patience = { readonly pauseMs: number; readonly clockOffset: ClockOffset; throttled: Error | null }

/**
 * Sends a command and returns its answer as it was on the wire; the handler bounds the body's size. A call that AWS throttles is
 * tried again until it passes or `abortSignal` aborts: a reading of several calls would otherwise never get through where one a
 * second does.
 * @throws what the SDK throws, or an Error that says that the answer is no JSON object
 */
export async function send(
  client: HealthClient,
  command: Command,
  abortSignal: AbortSignal,
  patience: Patience,
): Promise<Record<string, unknown>> {
  const answered = onTheWire(command)
  for (let tries = 1; ; tries++) {
    try {
      await patience.clockOffset.corrected(() => client.send(command as DescribeEventsCommand, { abortSignal }))
      patience.throttled = null
      break
    } catch (error) {
      patience.throttled = isThrottling(error) ? error : null
      const pauseMs = pauseAfter(error, tries, patience)
      if (pauseMs === null || !(await slept(pauseMs, abortSignal))) throw error
    }
  }
  return answered()
}

/** `null`: there is no point in one more try. */
function pauseAfter(error: unknown, tries: number, { pauseMs }: Patience): number | null {
  if (isThrottling(error)) return throttlePauseMs(tries, pauseMs)
  const mayPass = isBrokenLine(error) || isBrokenLine(fieldOf(error, 'cause')) || (httpStatusOf(error) ?? 0) >= 500
  return tries === 1 && mayPass ? BLINK_MS : null
}

/** Resolves to `false`, at once, when the signal aborts. */
async function slept(ms: number, signal: AbortSignal): Promise<boolean> {
  return setTimeout(ms, true, { signal }).catch(() => false)
}

/** AWS says that it is asked too often. */
export function isThrottling(error: unknown): error is Error {
  return error instanceof Error && isThrottled(nameOf(error), httpStatusOf(error))
}

/** Why AWS will not answer until something is changed on our side; `null` for any other problem. */
export function refusalOf(error: unknown): string | null {
  // STS, asked for credentials inside a call, has an AccessDenied of its own.
  const name = nameOf(error)
  if (!(error instanceof HealthServiceException)) return null
  return Object.hasOwn(REFUSALS, name) ? `${REFUSALS[name]} (${name})` : null
}

export function areBadCredentials(error: unknown): boolean {
  return BAD_CREDENTIALS.has(nameOf(error))
}

/** What keeps us from asking and has to be fixed on our side. */
export function oursIn(error: unknown): Readonly<{ ours?: 'credentials' }> {
  return areBadCredentials(error) || (error instanceof KeyringError && error.fault !== null) ? { ours: 'credentials' } : {}
}

export function nameOf(error: unknown): string {
  return readThrown(error).name
}

/** What went wrong, in one line, without secrets. Never throws: fields of an answer end up on the SDK's errors as they are. */
export function reasonOf(error: unknown): string {
  const { isError, name, message, code, cause } = readThrown(error)
  if (!isError) return 'it could not be asked'
  // Its message contains that of its cause, made safe to be shown.
  if (error instanceof KeyringError || error instanceof ProxyError) return oneLine(message)
  const status = httpStatusOf(error)
  // The SDK read an answer that is no JSON, such as a proxy's page.
  if (error instanceof SyntaxError) return `its answer${status === null ? '' : `, of status ${status},`} cannot be read`
  const label = code || name
  const inner = readThrown(cause).message
  const said = `${message || 'without a message'}${inner === '' ? '' : `: ${inner}`}`
  return oneLine(/^(Error|DeadlineError|AbandonedError)?$/.test(label) ? said : `${label}: ${said}`)
}

/** Somebody outside answered, and be it with an error. */
export function heardIn(error: unknown): Readonly<{ heard?: true }> {
  return httpStatusOf(error) === null ? {} : { heard: true }
}

function httpStatusOf(error: unknown): number | null {
  const status = recordOf(fieldOf(error, '$metadata'))?.['httpStatusCode']
  return typeof status === 'number' ? status : null
}
