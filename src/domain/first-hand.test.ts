import { expect, test } from 'vitest'
import { NOON, RELEVANCE } from '../../test/given.ts'
import { firstHand } from './first-hand.ts'
import { type Call, type Monitor, type Probe, probeId } from './probe.ts'
import { setupOf } from './setup.ts'
import { newProbeState, type ProbeState } from './state.ts'

const MINUTE = 60_000

function probe(operation: string, region: string | null): Probe {
  const call = (
    region === null ? { operation, parameter: null } : { operation, parameter: null, region, input: {}, expect: null, rate: null }
  ) as Call
  return { id: probeId('m', 'self', call), monitor: 'm', account: 'self', call }
}

const ACCOUNT = probe('GetAccountInformation', null)
const TABLE = probe('dynamodb:ListTables', 'eu-west-1')
const SAME_PLACE = probe('dynamodb:DescribeTable', 'eu-west-1')
const ELSEWHERE = probe('dynamodb:ListTables', 'us-east-1')
const IAM = probe('iam:GetAccountSummary', 'us-east-1')
const STS = probe('sts:GetCallerIdentity', 'us-west-2')
const ORGANIZATIONS = probe('organizations:DescribeOrganization', 'us-east-1')
const S3 = probe('s3:ListBuckets', 'eu-west-1')
const PROBES = [ACCOUNT, TABLE, SAME_PLACE, ELSEWHERE, IAM, STS, ORGANIZATIONS, S3]

const setup = setupOf({
  monitors: [{ name: 'm', partition: 'aws', probes: PROBES, notify: [] } as unknown as Monitor],
  recipients: [],
  policy: {} as never,
  health: { relevance: RELEVANCE },
  mail: { domain: 'example.com' },
})

const ok: Partial<ProbeState> = { status: 'ok', lastOkAt: NOON }
const failing: Partial<ProbeState> = { status: 'failing', onset: NOON - 5 * MINUTE }

function said(fails: Probe, how: ReadonlyMap<Probe, Partial<ProbeState>>) {
  const states = new Map([...how].map(([{ id }, state]) => [id, { ...newProbeState(id, NOON), ...state }]))
  const operation = fails.call.operation
  return firstHand([{ probe: fails.id, operation }], 'aws', { setup, states }).map(
    ({ service, region, state }) => `${service} in ${region}: ${state}`,
  )
}

test('for Account, the services that it depends on, those that fail first', () => {
  const how = new Map([
    [IAM, failing],
    [STS, ok],
    [ORGANIZATIONS, ok],
    [S3, failing],
  ])
  expect(said(ACCOUNT, how)).toEqual(['IAM in us-east-1: failing', 'Organizations in us-east-1: ok', 'STS in us-west-2: ok'])
})

test('for another service, the same in other regions, and IAM and STS', () => {
  const how = new Map([
    [ELSEWHERE, ok],
    [SAME_PLACE, failing],
    [IAM, ok],
    [ORGANIZATIONS, ok],
  ])
  expect(said(TABLE, how)).toEqual(['DynamoDB in us-east-1: ok', 'IAM in us-east-1: ok'])
})

test('nothing about what has not run or is not decided', () => {
  expect(said(ACCOUNT, new Map([[IAM, {}]]))).toEqual([])
  expect(said(ACCOUNT, new Map([[IAM, { status: 'undecided' as const, onset: NOON }]]))).toEqual([])
})
