import type { Facts, ProbeFacts } from '../domain/notification.ts'
import { ownFaultOf } from '../domain/own-fault.ts'
import { lapsedProbe } from './explanation.ts'
import type { FailureSummary } from './failure-summary.ts'

const LIVE_CHECK = '`alibi check --live`'
const OPEN_CASE = 'open a case with AWS Support and paste the block below.'
const IF_AFFECTED = `If users are affected, ${OPEN_CASE}`
const MISSED_OUTAGES = 'Nothing. Outages during that time may have gone undetected.'

/** The next action of a person who has just been woken. */
export function advice(facts: Facts, failure: FailureSummary): string | null {
  const { kind, incident } = facts
  const isOver = kind === 'recovered' || kind === 'dropped'
  if (incident?.family === 'misconfigured' && !isOver) return setupAdvice(failure)
  switch (kind) {
    case 'recovered':
      return incident?.family === 'offline' ? MISSED_OUTAGES : 'Nothing.'
    case 'dropped':
      return 'Nothing if it was removed on purpose. Otherwise put it back and reload.'
    case 'now-explained':
      return 'Follow AWS’s event; nothing else is needed. Reminders have stopped.'
    case 'offline':
      if (incident !== null && incident.closedAt !== null) return MISSED_OUTAGES
      return 'Check this host’s network, DNS and proxy. AWS itself may be fine.'
    case 'blind':
      return 'Run `alibi probe`: it runs every probe once and shows the results. The usual causes are throttling and a stalled host; for an internal error, see the log.'
    case 'flapping':
      return 'No need to react every time it fails: from now on it counts as recovered only after 30 minutes without a failure.'
    case 'misconfigured':
      return setupAdvice(failure)
    case 'digest':
    case 'test':
      return null
    case 'failing':
    case 'wider':
    case 'escalated':
    case 'reminder':
    case 'still-failing':
      return outageAdvice(facts, failure)
  }
}

function outageAdvice(facts: Facts, failure: FailureSummary): string {
  const runbook = facts.monitors.some((monitor) => monitor.runbook !== null) ? 'Follow the runbook. ' : ''
  return `${runbook}${afterRunbook(facts, failure)}`
}

function afterRunbook(facts: Facts, failure: FailureSummary): string {
  if (facts.verdict === 'explained') return 'AWS knows about it. Decide whether you need a workaround.'
  const lapsed = lapsedProbe(facts)
  if (lapsed !== null) return lapseAdvice(lapsed)
  if (facts.verdict === 'undetermined') return `Check the AWS status page. If it shows nothing, ${OPEN_CASE}`
  if (failure.isSts)
    return `STS is failing, not ${failure.services}: check whether the role can be assumed from elsewhere. If not, ${OPEN_CASE}`
  if (failure.kind === 'unreachable')
    return `This host’s network is up: it can reach other hosts. If the failure lasts, ${OPEN_CASE}`
  return `AWS has not posted a matching event. ${IF_AFFECTED}`
}

/** By how the explanation ended: only in the first case did AWS say that it is over. */
function lapseAdvice({ lapsedBy }: ProbeFacts): string {
  switch (lapsedBy) {
    case 'over':
      return `AWS may consider it resolved. ${IF_AFFECTED}`
    case 'unasked':
      return `Check on the AWS status page whether the event is still open. If it is not, ${OPEN_CASE}`
    case 'alone':
      return `The same operation works for other accounts: look for what is different about this one. If nothing is, ${OPEN_CASE}`
    case 'vanished':
      return `AWS has withdrawn its event. ${IF_AFFECTED}`
    default:
      return `AWS’s event no longer covers it. ${IF_AFFECTED}`
  }
}

function setupAdvice({ kind, telling }: FailureSummary): string {
  switch (ownFaultOf(kind, telling ?? { error: null, status: null })) {
    case 'refused credentials':
      return `Renew or fix the monitor’s credentials; ${LIVE_CHECK} shows whether they work.`
    case 'no credentials':
      return `See the error below for what is missing: the profile, its credential process, or this host’s role. ${LIVE_CHECK} shows whether it is back.`
    case 'late credentials':
      return 'Getting the credentials takes longer than a try may take: make it faster, or raise the monitor’s `timeout`.'
    case 'denied':
      return 'Compare the caller’s policy with the output of `alibi iam-policy`; a service control policy may also deny access.'
    case 'wrong request':
      return `Check the accounts and parameters in the configuration; ${LIVE_CHECK} tries each of them.`
    case 'wrong call':
      return 'Correct the operation in the configuration as the error below says; `alibi check` shows whether it is right.'
    case 'missing client':
      return 'Install the SDK’s client of that service beside Alibi with the command below, and restart Alibi.'
    case 'internal error':
      return 'This is an internal error in Alibi: please report it with the error below.'
    case 'name':
      return `Check the endpoint’s name and this host’s DNS servers. ${LIVE_CHECK} tries again.`
    case 'certificate':
      return `Find out what answers in place of AWS: if it is a TLS-inspecting proxy, put its CA certificate into AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS. ${LIVE_CHECK} tries again.`
    case 'proxy':
      return `Check HTTPS_PROXY, NO_PROXY, and whether the proxy allows this host. ${LIVE_CHECK} tries again.`
    case null:
      return `Run ${LIVE_CHECK}.`
  }
}
