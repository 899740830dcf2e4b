import { type Call, credentialsKey, isServiceCall, type Monitor, type Operation, type Partition } from './probe.ts'

/** Calls a second that AWS allows one caller, and how many may come at once. */
export type Quota = Readonly<{ perSecond: number; burst: number }>

/** Share of a quota that scheduled runs may use; the rest is room for re-runs of failing probes, and for tries within a run. */
export const SCHEDULED_SHARE = 0.8

/** docs.aws.amazon.com/accounts/latest/reference/quotas.html; `null` where AWS states none. */
const QUOTAS: Readonly<Record<Operation, Quota | null>> = {
  GetAccountInformation: { perSecond: 3, burst: 3 },
  GetAlternateContact: { perSecond: 10, burst: 15 },
  GetContactInformation: { perSecond: 10, burst: 15 },
  GetGovCloudAccountInformation: null,
  GetPrimaryEmail: { perSecond: 3, burst: 3 },
  GetPrimaryEmailUpdateStatus: null,
  GetRegionOptStatus: { perSecond: 5, burst: 5 },
  ListRegions: { perSecond: 5, burst: 5 },
}

/** The same page: contacts in China. */
const CONTACTS_IN_CHINA: Quota = { perSecond: 3, burst: 5 }

/** `null` where AWS states none, and for other services the configuration neither. */
export function quotaOf(call: Call, partition: Partition): Quota | null {
  if (isServiceCall(call)) return call.rate === null ? null : { perSecond: call.rate, burst: Math.max(1, Math.floor(call.rate)) }
  const { operation } = call
  const isContact = operation === 'GetAlternateContact' || operation === 'GetContactInformation'
  return isContact && partition === 'aws-cn' ? CONTACTS_IN_CHINA : QUOTAS[operation]
}

/** What one caller asks of one operation, all monitors together. */
export type QuotaRow = Readonly<{
  /** `credentialsKey` of the caller. Different credentials may still be one caller to AWS, which the file does not show. */
  credentials: string
  partition: Partition
  /** With its region, where there is one for each: `dynamodb:DescribeTable in eu-west-1`. */
  operation: string
  probes: number
  /** Scheduled runs a second when every monitor fires at its shortest gap and every first try is ok. */
  callsPerSecond: number
  quota: Quota | null
  /** Within the share of the quota that is for scheduled runs. */
  fits: boolean
}>

/** Adding up many equal floats is not exact. */
const ROUNDING = 1e-6

/** Calls that share a quota: of one operation, in one region where each has an endpoint of its own. */
export function quotaKey(call: Call): string {
  return isServiceCall(call) ? `${call.operation} in ${call.region}` : call.operation
}

/** Some quotas count by caller and some by the account that is asked; all are taken as by caller, which is the stricter. */
export function quotaRows(monitors: readonly Readonly<{ monitor: Monitor; shortestGapMs: number }>[]): readonly QuotaRow[] {
  const sums = new Map<string, Omit<QuotaRow, 'fits'>>()
  for (const { monitor, shortestGapMs } of monitors) {
    const { partition } = monitor
    const credentials = credentialsKey(monitor.credentials)
    for (const { call } of monitor.probes) {
      const operation = quotaKey(call)
      const key = `${partition} ${credentials} ${operation}`
      const quota = quotaOf(call, partition)
      const sum = sums.get(key) ?? { credentials, partition, operation, probes: 0, callsPerSecond: 0, quota }
      const slower = slowerOf(sum.quota, quota)
      sums.set(key, { ...sum, probes: sum.probes + 1, callsPerSecond: sum.callsPerSecond + 1000 / shortestGapMs, quota: slower })
    }
  }
  return [...sums.values()].map((sum) => ({
    ...sum,
    fits: sum.quota === null || sum.callsPerSecond <= sum.quota.perSecond * SCHEDULED_SHARE + ROUNDING,
  }))
}

/** Where two monitors state a rate for the same calls, the lower one holds. */
export function slowerOf(a: Quota | null, b: Quota | null): Quota | null {
  if (a === null || b === null) return a ?? b
  return a.perSecond <= b.perSecond ? a : b
}
