import {
  type AccountClient,
  type AlternateContactType,
  GetAccountInformationCommand,
  GetAlternateContactCommand,
  GetContactInformationCommand,
  GetGovCloudAccountInformationCommand,
  GetPrimaryEmailCommand,
  GetPrimaryEmailUpdateStatusCommand,
  GetRegionOptStatusCommand,
  ListRegionsCommand,
} from '@aws-sdk/client-account'
import type { Operation, Probe } from '../../domain/probe.ts'
import { asCall, type Call } from './call.ts'

type Target = Readonly<{ AccountId?: string }>
type Ask = (client: AccountClient, probe: Probe, call: Call) => Promise<unknown>

/** `self` sends no AccountId: a management account may not name its own id. */
function target(probe: Probe): Target {
  return probe.account === 'self' ? {} : { AccountId: probe.account }
}

/** One page of `ListRegions` is proof enough that it answers. */
const REGIONS_ASKED = 5

/**
 * Every call that Alibi can make to Account: the eight operations that only read, written out one by one, so that none
 * that writes can be reached by a name from a configuration file.
 */
export const ASK: Readonly<Record<Operation, Ask>> = {
  GetAccountInformation: (client, probe, call) =>
    asCall(call, () => client.send(new GetAccountInformationCommand(target(probe)))),
  GetAlternateContact: (client, probe, call) => {
    const AlternateContactType = (probe.call.parameter ?? 'OPERATIONS') as AlternateContactType
    return asCall(call, () => client.send(new GetAlternateContactCommand({ AlternateContactType, ...target(probe) })))
  },
  GetContactInformation: (client, probe, call) =>
    asCall(call, () => client.send(new GetContactInformationCommand(target(probe)))),
  GetGovCloudAccountInformation: (client, probe, call) => {
    const StandardAccountId = target(probe).AccountId
    const input = StandardAccountId === undefined ? {} : { StandardAccountId }
    return asCall(call, () => client.send(new GetGovCloudAccountInformationCommand(input)))
  },
  GetPrimaryEmail: (client, probe, call) =>
    asCall(call, () => client.send(new GetPrimaryEmailCommand({ AccountId: undefined, ...target(probe) }))),
  GetPrimaryEmailUpdateStatus: (client, probe, call) =>
    asCall(call, () => client.send(new GetPrimaryEmailUpdateStatusCommand(target(probe)))),
  GetRegionOptStatus: (client, probe, call) => {
    const RegionName = probe.call.parameter ?? 'us-east-1'
    return asCall(call, () => client.send(new GetRegionOptStatusCommand({ RegionName, ...target(probe) })))
  },
  ListRegions: (client, probe, call) =>
    asCall(call, () => client.send(new ListRegionsCommand({ MaxResults: REGIONS_ASKED, ...target(probe) }))),
}
