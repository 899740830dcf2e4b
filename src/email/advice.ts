import type { Facts, ProbeFacts } from '../domain/notification.ts'
import { ownFaultOf } from '../domain/own-fault.ts'
import { lapsedProbe } from './explanation.ts'
import type { FailureSummary } from './failure-summary.ts'

const LIVE_CHECK = '`alibi check --live`'
const OPEN_CASE = 'open a case with AWS Support and paste the block below.'
const MISSED_OUTAGES = 'Nothing. Outages of that time may have gone unseen.'

/** The next action of a person who has just been woken. */
export function advice(facts: Facts, failure: FailureSummary): string | null {
  const { kind, incident } = facts
  const isOver = kind === 'recovered' || kind === 'dropped'
  if (incident?.family === 'misconfigured' && !isOver) return setupAdvice(failure)
  switch (kind) {
    case 'recovered':
      return incident?.family === 'offline' ? MISSED_OUTAGES : 'Nothing.'
    case 'dropped':
      return 'Nothing, if it was taken out on purpose. Else put it back and reload.'
    case 'now-explained':
      return 'Nothing more than to follow AWS’s event. Reminders have stopped.'
    case 'offline':
      if (incident !== null && incident.closedAt !== null) return MISSED_OUTAGES
      return 'Look at this host’s network, DNS and proxy. AWS may be well.'
    case 'blind':
      return 'See what its runs say: `alibi probe` runs each once, now. Throttling and a stalled host are the usual causes; of an internal error the log has the details.'
    case 'flapping':
      return 'No need to get up for each turn of it: from now on only half an hour of being well counts as recovery.'
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
  if (facts.verdict === 'explained') return 'AWS knows. See whether you need a way round by now.'
  const lapsed = lapsedProbe(facts)
  if (lapsed !== null) return lapseAdvice(lapsed)
  if (facts.verdict === 'undetermined') return `See what AWS says on its page. If it says nothing, ${OPEN_CASE}`
  if (failure.telling?.service === 'STS')
    return `STS fails, not Account: see whether the role can be used elsewhere. If not, ${OPEN_CASE}`
  if (failure.kind === 'unreachable') return `Our own network reaches other hosts. If it lasts, ${OPEN_CASE}`
  return `AWS does not seem to know. If it hurts, ${OPEN_CASE}`
}

/** By how the explanation ended: only the first of these is AWS's word that it is over. */
function lapseAdvice({ lapsedBy }: ProbeFacts): string {
  switch (lapsedBy) {
    case 'over':
      return `AWS may think that it is over. If it hurts, ${OPEN_CASE}`
    case 'unasked':
      return `See on AWS’s page whether its event still stands. If it does not, ${OPEN_CASE}`
    case 'alone':
      return `Others are well with the same operation: look for what is different here. If nothing is, ${OPEN_CASE}`
    case 'vanished':
      return `AWS has taken its event back. If it hurts, ${OPEN_CASE}`
    default:
      return `AWS’s event does not cover it any more. If it hurts, ${OPEN_CASE}`
  }
}

function setupAdvice({ kind, telling }: FailureSummary): string {
  switch (ownFaultOf(kind, telling ?? { error: null, status: null })) {
    case 'refused credentials':
      return `Renew or repair the monitor’s credentials; ${LIVE_CHECK} says whether they work.`
    case 'no credentials':
      return `See the error below for what is missing: the profile, its process, or the role of this host. ${LIVE_CHECK} says whether it is there again.`
    case 'late credentials':
      return 'What gives the credentials takes longer than a try: make it faster, or raise the monitor’s `timeout`.'
    case 'denied':
      return 'Compare the caller’s policy with what `alibi iam-policy` prints; a service control policy can deny as well.'
    case 'wrong request':
      return `Check accounts and parameters in the configuration; ${LIVE_CHECK} tries each.`
    case 'internal error':
      return 'This is an internal error of Alibi: please report it with the error below.'
    case 'name':
      return `See the name of the endpoint, and the name servers of this host. ${LIVE_CHECK} tries it again.`
    case 'certificate':
      return `See who answers in AWS’s place: a proxy that looks into TLS needs its authority in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS. ${LIVE_CHECK} tries it again.`
    case 'proxy':
      return `See HTTPS_PROXY and NO_PROXY, and whether the proxy lets this host pass. ${LIVE_CHECK} tries it again.`
    case null:
      return `See what ${LIVE_CHECK} says.`
  }
}
