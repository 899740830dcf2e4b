import { errorAside } from '../domain/error-name.ts'
import type { Facts, ProbeFacts } from '../domain/notification.ts'
import type { Outcome, Try } from '../domain/probe.ts'
import { askedOf, isOfSts, titleOf } from '../domain/service-facts.ts'
import type { Block } from './block.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { isFailing } from './opening.ts'
import { iso } from './times.ts'

/** The block of an email about an outage. */
export function support(facts: Facts, limits: Limits): readonly Block[] {
  if (facts.incident?.family !== 'outage' || !isFailing(facts.kind)) return []
  return [{ type: 'copy', lines: supportBlock(facts, limits) }]
}

/**
 * What AWS Support asks for, ready to be pasted into a case: times in UTC, ids, who called what, where, and how often.
 * This API returns no extended request id; API Gateway's and the trace's id take its place (as seen in
 * hashicorp/terraform-provider-aws issue 42484).
 */
export function supportBlock(facts: Pick<Facts, 'sentBy' | 'probes' | 'others'>, limits: Limits): readonly string[] {
  const { sentBy, probes } = facts
  const shown = probes.slice(0, limits.probes)
  const word = (text: string) => foreign(text, limits.word)
  const head = [
    `Read-only calls to ${word(askedAs(probes))} are failing.`,
    ...endpointLines(sentBy, probes, limits),
    `Caller: ${sentBy.caller === null ? 'unknown' : word(sentBy.caller)}`,
    `Client: AWS SDK for JavaScript ${word(sentBy.sdk)}, Alibi ${word(sentBy.version)}`,
  ]
  const calls = shown.flatMap((probe) => callLines(probe, limits))
  const more = probes.length + facts.others.total - shown.length
  const lines = [...head, ...calls, ...(more > 0 ? ['', moreCalls(more)] : [])]
  return withinLength(lines, limits.support)
}

/** The services by which AWS Support knows what fails. */
function askedAs(probes: readonly ProbeFacts[]): string {
  const titles = [...new Set(probes.map(({ operation }) => titleOf(operation)))]
  return titles.map((title) => (title === 'Account' ? 'the AWS Account Management API' : title)).join(', ') || 'AWS'
}

function endpointLines(sentBy: Facts['sentBy'], probes: readonly ProbeFacts[], limits: Limits): readonly string[] {
  const word = (text: string) => foreign(text, limits.word)
  const isAccount = probes.length === 0 || probes.some(({ operation }) => askedOf(operation) === null)
  const tries = probes.flatMap(({ evidence }) => evidence.flatMap((run) => run.tries))
  const hosts = tries.flatMap(({ host, region }) =>
    host === undefined ? [] : [`Endpoint: ${word(host)} (signing region ${word(region)})`],
  )
  return [
    ...(isAccount ? [`Endpoint: ${word(sentBy.endpoint)} (signing region ${word(sentBy.signingRegion)})`] : []),
    ...[...new Set(hosts)].slice(0, limits.probes),
  ]
}

function moreCalls(more: number): string {
  return more === 1
    ? 'One more call fails in the same way or a similar one.'
    : `${more} more calls fail in the same way or a similar one.`
}

function callLines(probe: ProbeFacts, limits: Limits): readonly string[] {
  const failed = probe.evidence.filter((run) => run.result === 'failed').slice(-limits.runs)
  const asked = askedOf(probe.operation)
  const [name = '', parameter] = foreign(asked?.call ?? probe.operation, limits.word).split(' ')
  const service = asked === null ? 'account' : probe.operation.slice(0, probe.operation.indexOf(':'))
  const target =
    probe.account === 'self'
      ? asked === null
        ? 'the caller’s own account (no AccountId sent)'
        : 'the caller’s own account'
      : foreign(probe.account, limits.word)
  return [
    '',
    `Operation: ${foreign(service, limits.word)}:${name}${parameter === undefined ? '' : ` (${parameter})`}`,
    `Target account: ${target}`,
    `First failure: ${iso(probe.onset)}`,
    `Last success before it: ${probe.lastOkAt === null ? 'unknown' : iso(probe.lastOkAt)}`,
    ...failed.flatMap((run) => runLines(run, probe.operation, limits)),
  ]
}

function runLines(run: Outcome, operation: string, limits: Limits): readonly string[] {
  const shown = run.tries.slice(-limits.tries)
  const skipped = run.tries.length - shown.length
  return shown.flatMap((one, index) => tryLines(one, `${skipped + index + 1} of ${run.tries.length}`, operation, limits))
}

function tryLines(one: Try, nth: string, operation: string, limits: Limits): readonly string[] {
  const word = (text: string) => foreign(text, limits.word)
  const name = one.kind !== null ? word(errorAside(one)) : one.status === null ? 'ok' : `ok, HTTP ${one.status}`
  const result = one.status === null ? `${name}, no HTTP answer` : name
  const service = operation.includes(':') ? operation.slice(0, operation.indexOf(':')) : 'Account'
  const where = `${isOfSts(one, operation) ? 'sts:AssumeRole' : `${word(service)} API`} in ${word(one.region)}`
  return [
    `- ${iso(one.at)} try ${nth}, ${where}: ${result}, ${Math.round(one.ms)} ms`,
    ...(one.requestId === null ? [] : [`  x-amzn-requestid: ${word(one.requestId)}`]),
    ...(one.apigwId === null ? [] : [`  x-amz-apigw-id: ${word(one.apigwId)}`]),
    ...(one.traceId === null ? [] : [`  x-amzn-trace-id: ${word(one.traceId)}`]),
  ]
}

function withinLength(lines: readonly string[], max: number): readonly string[] {
  const kept: string[] = []
  let length = 0
  for (const line of lines) {
    length += line.length + 1
    if (length > max) return [...kept, '(truncated: `alibi explain` shows the rest)']
    kept.push(line)
  }
  return kept
}
