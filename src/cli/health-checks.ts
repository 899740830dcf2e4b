import type { OrganizationStatus } from '../adapters/aws/organization-view.ts'
import type { Config } from '../config/config.ts'
import { counted } from '../domain/counted.ts'
import type { SourceAnswer } from '../domain/outage.ts'
import type { Partition } from '../domain/probe.ts'
import type { Wired } from '../wire.ts'
import { FIND_CREDENTIALS } from './failure-advice.ts'
import { type Finding, failed, passed } from './finding.ts'
import { queueChecks } from './queue-checks.ts'

const LOOKBACK_MS = 60_000

/** Asks both sources of every partition, and where the Health API answers, the status of the organization view. */
export async function healthChecks(config: Config, wired: Wired, signal: AbortSignal) {
  const now = wired.clock.now()
  const asked = [...wired.sources].flatMap(([partition, { api, dashboard }]) => [
    { what: `Health API (${partition})`, source: api, partition, isApi: true },
    { what: `dashboard (${partition})`, source: dashboard, partition, isApi: false },
  ])
  const answers = await Promise.all(
    asked.map(async ({ source, ...rest }) => ({
      ...rest,
      answer: source === null ? null : await source.ask(now, now - LOOKBACK_MS, signal),
    })),
  )
  const answering = answers.flatMap(({ isApi, partition, answer }) => (isApi && answer?.state === 'answered' ? [partition] : []))
  return {
    sources: [
      ...answers.map(({ what, answer }) => (answer === null ? passed(what, 'off') : sourceFinding(what, answer))),
      ...(await queueChecks(config, wired, signal)),
    ],
    views: await organizationChecks(wired, answering, signal),
  }
}

function sourceFinding(what: string, answer: SourceAnswer): Finding {
  switch (answer.state) {
    case 'answered':
      if (answer.refused === undefined)
        return passed(what, `answered with ${counted(answer.events.length, 'event')} (${answer.detail})`)
      return failed(
        what,
        answer.detail,
        `allow ${answer.refused}: often only an event's text shows whether it explains a failure`,
      )
    case 'refused':
      return failed(
        what,
        answer.why,
        'the Health API needs Business Support+, Enterprise Support or Unified Operations, and permission for health:DescribeEvents and health:DescribeEventDetails; without these set `health.api: false`, and verdicts rest on the public dashboard',
      )
    case 'unavailable': {
      const fix = answer.ours === 'credentials' ? FIND_CREDENTIALS : 'make sure that this host can reach it'
      return failed(what, answer.why, `${fix}; as long as it cannot be asked, failures are reported by email`)
    }
    case 'off':
      return passed(what, `off: ${answer.why}`)
  }
}

/** @param partitions those whose Health API answers; in others that is what has to be corrected first */
async function organizationChecks(
  { organization }: Wired,
  partitions: readonly Partition[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const asked = [...organization].filter(([partition]) => partitions.includes(partition))
  return Promise.all(
    asked.map(async ([partition, ask]) =>
      organizationFinding(`organization view of AWS Health (${partition})`, await ask(signal)),
    ),
  )
}

const WITHOUT_VIEW = 'events that AWS sends to single member accounts explain nothing'

function organizationFinding(what: string, { state, detail }: OrganizationStatus): Finding {
  switch (state) {
    case 'enabled':
      return passed(what, detail)
    case 'off':
      // No failure: not to use it may be a choice.
      return passed(
        what,
        `${detail}: ${WITHOUT_VIEW}. The management account can enable it (AWS Health, organizational view) and register a delegated administrator`,
      )
    case 'refused':
      return failed(
        what,
        `${detail}; without it ${WITHOUT_VIEW}`,
        'use credentials of the management account or of a delegated administrator of AWS Health, with the actions that `alibi iam-policy` lists',
      )
    case 'unavailable':
      return failed(what, detail, `make sure that this host can reach it; as long as it cannot be asked, ${WITHOUT_VIEW}`)
  }
}
