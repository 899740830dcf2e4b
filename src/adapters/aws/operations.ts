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
import { type Call, carry } from './answer.ts'

type Target = Readonly<{ AccountId?: string }>
/** The client is one that was made `overheard`. */
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
  GetAccountInformation: (client, probe, call) => client.send(carry(new GetAccountInformationCommand(target(probe)), call)),
  GetAlternateContact: (client, probe, call) => {
    const AlternateContactType = (probe.call.parameter ?? 'OPERATIONS') as AlternateContactType
    return client.send(carry(new GetAlternateContactCommand({ AlternateContactType, ...target(probe) }), call))
  },
  GetContactInformation: (client, probe, call) => client.send(carry(new GetContactInformationCommand(target(probe)), call)),
  GetGovCloudAccountInformation: (client, probe, call) => {
    const StandardAccountId = target(probe).AccountId
    const input = StandardAccountId === undefined ? {} : { StandardAccountId }
    return client.send(carry(new GetGovCloudAccountInformationCommand(input), call))
  },
  GetPrimaryEmail: (client, probe, call) =>
    client.send(carry(new GetPrimaryEmailCommand({ AccountId: undefined, ...target(probe) }), call)),
  GetPrimaryEmailUpdateStatus: (client, probe, call) =>
    client.send(carry(new GetPrimaryEmailUpdateStatusCommand(target(probe)), call)),
  GetRegionOptStatus: (client, probe, call) => {
    const RegionName = probe.call.parameter ?? 'us-east-1'
    return client.send(carry(new GetRegionOptStatusCommand({ RegionName, ...target(probe) }), call))
  },
  ListRegions: (client, probe, call) =>
    client.send(carry(new ListRegionsCommand({ MaxResults: REGIONS_ASKED, ...target(probe) }), call)),
}
