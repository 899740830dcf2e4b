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
import { type Answer, overhear } from './answer.ts'

type Target = Readonly<{ AccountId?: string }>
type Ask = (client: AccountClient, probe: Probe, heard: (answer: Answer) => void, abortSignal: AbortSignal) => Promise<unknown>

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
  GetAccountInformation: (client, probe, heard, abortSignal) =>
    client.send(overhear(new GetAccountInformationCommand(target(probe)), heard), { abortSignal }),
  GetAlternateContact: (client, probe, heard, abortSignal) => {
    const AlternateContactType = (probe.call.parameter ?? 'OPERATIONS') as AlternateContactType
    return client.send(overhear(new GetAlternateContactCommand({ AlternateContactType, ...target(probe) }), heard), {
      abortSignal,
    })
  },
  GetContactInformation: (client, probe, heard, abortSignal) =>
    client.send(overhear(new GetContactInformationCommand(target(probe)), heard), { abortSignal }),
  GetGovCloudAccountInformation: (client, probe, heard, abortSignal) => {
    const StandardAccountId = target(probe).AccountId
    const input = StandardAccountId === undefined ? {} : { StandardAccountId }
    return client.send(overhear(new GetGovCloudAccountInformationCommand(input), heard), { abortSignal })
  },
  GetPrimaryEmail: (client, probe, heard, abortSignal) =>
    client.send(overhear(new GetPrimaryEmailCommand({ AccountId: undefined, ...target(probe) }), heard), { abortSignal }),
  GetPrimaryEmailUpdateStatus: (client, probe, heard, abortSignal) =>
    client.send(overhear(new GetPrimaryEmailUpdateStatusCommand(target(probe)), heard), { abortSignal }),
  GetRegionOptStatus: (client, probe, heard, abortSignal) => {
    const RegionName = probe.call.parameter ?? 'us-east-1'
    return client.send(overhear(new GetRegionOptStatusCommand({ RegionName, ...target(probe) }), heard), { abortSignal })
  },
  ListRegions: (client, probe, heard, abortSignal) =>
    client.send(overhear(new ListRegionsCommand({ MaxResults: REGIONS_ASKED, ...target(probe) }), heard), { abortSignal }),
}
