import { durationText } from '../config/duration.ts'
import { utc } from '../domain/duration.ts'
import { scopeShown } from '../domain/scope.ts'
import { type Deed, isWhole, type SmtpState } from './scenario.ts'

/** What happens in a story, as a person would say it. */
export function narrated(deed: Deed): string {
  switch (deed.verb) {
    case 'account': {
      const { operation, account, answer } = deed
      const whom = [operation, account === null ? null : `account ${account}`].filter((part) => part !== null)
      return `AWS answers ${answer} to ${whom.length === 0 ? 'every probe' : whom.join(' of ')}`
    }
    case 'service': {
      const { service, operation, region, answer } = deed
      const what = [service, operation].filter((part) => part !== null).join(':')
      return `AWS answers ${answer} to ${what === '' ? 'every service but Account' : what}${region === null ? '' : ` in ${region}`}`
    }
    case 'publish': {
      const { service, region = null, text, start } = deed.event
      const began = start === undefined ? '' : `, which began at ${new Date(start).toISOString().slice(0, 16)}Z according to AWS`
      return `AWS publishes ${deed.id}: ${service} in ${region ?? 'no region'}${began}${quoted(text)}`
    }
    case 'update':
      return `AWS updates ${deed.id}${quoted(deed.event.text)}`
    case 'close':
      return `AWS closes ${deed.id}${quoted(deed.event.text)}`
    case 'withdraw':
      return `AWS withdraws ${deed.id}`
    case 'api':
      return `the Health API: ${deed.state}`
    case 'dashboard':
      return `the public dashboard: ${deed.state}`
    case 'queue':
      return `the health queue: ${deed.state}`
    case 'network':
      return `our network: ${deed.up ? 'up' : 'down'}`
    case 'smtp':
      return `the mail server: ${smtpText(deed.state)}`
    case 'disk':
      return `our disk: ${deed.full ? 'full' : 'ok'}`
    case 'daemon':
      return { kill: 'Alibi is killed', stop: 'Alibi is asked to stop', start: 'Alibi is started' }[deed.order]
    case 'clock':
      return `our wall clock jumps ${deed.byMs < 0 ? 'back' : 'ahead'} by ${durationText(Math.abs(deed.byMs))}`
    case 'reload':
      return deed.config === null ? 'a changed configuration, ignored' : 'the configuration is changed'
    case 'silence': {
      const from =
        deed.from === null ? '' : ` from ${'instant' in deed.from ? utc(deed.from.instant) : durationText(deed.from.since)}`
      return `silence${from} for ${durationText(deed.forMs)} over ${scopeShown(deed.scope)}: ${deed.reason}`
    }
    case 'ack':
      return 'the last incident is acknowledged'
  }
}

function smtpText(state: SmtpState): string {
  if (isWhole(state)) return state
  const { refuse, defer } = state
  const parts = [
    ...(refuse.length === 0 ? [] : [`refuses ${refuse.join(', ')}`]),
    ...(defer.length === 0 ? [] : [`defers ${defer.join(', ')}`]),
  ]
  return parts.length === 0 ? 'up' : parts.join('; ')
}

function quoted(text: string | undefined): string {
  return text === undefined ? '' : `: "${text.length > 160 ? `${text.slice(0, 159)}…` : text}"`
}
