import { type OwnFault, ownFaultOf } from '../domain/own-fault.ts'
import type { Outcome, Try } from '../domain/probe.ts'

export const FIND_CREDENTIALS = 'make sure that the SDK finds credentials (profile, role, environment)'

/** What to do about a run that failed. */
export function outcomeAdvice({ result, kind }: Outcome, last: Try | null): string {
  if (kind === 'throttled') return 'run the monitor less often, or for fewer accounts'
  const fault = ownFaultOf(result === 'failed' ? kind : null, last ?? { error: null, status: null })
  if (fault !== null) return faultAdvice(fault)
  return 'AWS, or the connection to it, fails at the moment: `alibi health` shows whether AWS has posted an event'
}

/** What to do about a failure that is not AWS's. */
export function faultAdvice(fault: OwnFault): string {
  switch (fault) {
    case 'denied':
      return 'allow the action in IAM; for member accounts, use the management account or a delegated administrator for Account Management, and enable trusted access for account.amazonaws.com'
    case 'refused credentials':
      return `renew or correct the credentials; ${FIND_CREDENTIALS} that are valid`
    case 'no credentials':
      return FIND_CREDENTIALS
    case 'late credentials':
      return 'use a faster source of credentials, or raise the `timeout` of the monitor; credentials that come too late are kept for the next try'
    case 'wrong request':
      return 'AWS says that the request is invalid: check account ids, parameters, and that what they name is there'
    case 'wrong call':
      return 'correct it in the configuration, as the message says'
    case 'missing client':
      return 'install the client of that service beside Alibi, as the message says, and restart Alibi'
    case 'internal error':
      return 'this is an internal error of Alibi: please report it'
    case 'name':
      return 'check the name of the endpoint, and the name servers of this host'
    case 'certificate':
      return 'find out who answers there: if a proxy inspects TLS, name its certificate authority in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS; check the clock as well'
    case 'proxy':
      return 'check HTTPS_PROXY and NO_PROXY, and whether the proxy lets this host through'
  }
}
