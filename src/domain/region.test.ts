import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRegion, REGIONS, regionsNamed, splitKey } from './region.ts'

describe('the list of regions', () => {
  /** The four partitions that there are types for; the isolated ones are left out on purpose. */
  const ours = ['aws', 'aws-cn', 'aws-us-gov', 'aws-eusc']

  test('agrees with the SDK’s own, in both directions', async () => {
    const core = dirname(createRequire(import.meta.url).resolve('@aws-sdk/core/package.json'))
    const path = 'dist-es/submodules/client/util-endpoints/lib/aws/partitions.js'
    const { partitionsInfo } = await import(pathToFileURL(join(core, path)).href)
    const theirs: [string, string][] = partitionsInfo.partitions
      .filter((partition: { id: string }) => ours.includes(partition.id))
      .flatMap((partition: { regions: Record<string, { description: string }> }) =>
        Object.entries(partition.regions)
          .filter(([code]) => !code.endsWith('-global'))
          .map(([code, { description }]) => [code, description]),
      )
    expect(theirs.length).toBeGreaterThan(30)
    expect({ ...REGIONS }).toEqual(Object.fromEntries(theirs))
  })

  test.for(Object.entries(REGIONS))('%s is a region and is found by its name, %s', ([code, name]) => {
    expect(isRegion(code)).toBe(true)
    expect(regionsNamed(`Trouble in ${name}.`)).toEqual([code])
    expect(regionsNamed(`Trouble in the ${code.toUpperCase()} Region.`)).toEqual([code])
  })

  test.for([
    ['us-east-9', true],
    ['global', false],
    ['aws-global', false],
    ['us-east-1a', false],
    ['US-EAST-1', false],
    ['constructor', false],
    ['', false],
  ] as const)('isRegion(%j) is %j', ([code, is]) => expect(isRegion(code)).toBe(is))
})

test.for<[string, string[]]>([
  ['API errors in the EU-NORTH-1 Region', ['eu-north-1']],
  ['in the Stockholm region', ['eu-north-1']],
  ['customers in N. Virginia, Ohio and Northern California', ['us-east-1', 'us-east-2', 'us-west-1']],
  ['US East (N. Virginia)', ['us-east-1']],
  ['(N.Virginia)', ['us-east-1']],
  ['US-WEST-2, and us-west-2 again', ['us-west-2']],
  ['in a single Availability Zone (use1-az4)', ['us-east-1']],
  ['in mes1-az2 and apne1-az1', ['me-south-1', 'ap-northeast-1']],
  ['in us-east-1a only', ['us-east-1']],
  ['the São Paulo and Zürich Regions', ['sa-east-1', 'eu-central-2']],
  ['the US‑EAST‑1 Region, written with unbreakable hyphens', ['us-east-1']],
  ['AWS GovCloud (US-West)', ['us-gov-west-1']],
  ['us-gov-west-1 is not us-west-1', ['us-gov-west-1', 'us-west-1']],
  ['in comparison with Parisians, Londonderry and an Oregonian', []],
  ['in Paris, in London and in Oregon', ['eu-west-3', 'eu-west-2', 'us-west-2']],
  ['US East and Europe alone name no region', []],
  ['the central Region; Germany', []],
  ['Canada (Central)', ['ca-central-1']],
  ['elevated errors in xus-east-1 and us-east-12', []],
  ['account-us-east-1-suffix names the region inside', ['us-east-1']],
  ['a region opened later: EU-WEST-4', ['eu-west-4']],
  ['xyz9-az1 is no zone of ours', []],
  ['', []],
])('%j names %j', ([text, regions]) => expect(regionsNamed(text)).toEqual(regions))

test.for<[string, string, string | null]>([
  ['sts-us-east-1', 'sts', 'us-east-1'],
  ['iam', 'iam', null],
  ['STS-US-GOV-WEST-1', 'sts', 'us-gov-west-1'],
  ['dynamodb-dax-ap-northeast-1', 'dynamodb-dax', 'ap-northeast-1'],
  ['management-console', 'management-console', null],
  ['multipleservices-me-central-1', 'multipleservices', 'me-central-1'],
  ['us-east-1', 'us-east-1', null],
  ['', '', null],
])('the key %j is %j in %j', ([key, service, region]) => expect(splitKey(key)).toEqual({ service, region }))

test('any text is looked through, and only regions come out, each once', () =>
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.subarray(Object.keys(REGIONS), { maxLength: 4 }),
      (noise, codes) => {
        const found = regionsNamed(`${codes.join(' and ')} ${noise}`)
        expect(found.every(isRegion)).toBe(true)
        expect(new Set(found).size).toBe(found.length)
        expect(found.slice(0, codes.length)).toEqual(codes)
      },
    ),
  ))
