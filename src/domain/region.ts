/**
 * Regions of the four partitions that Alibi knows, with the names by which AWS calls them: the list of the AWS SDK's
 * own partition data (@aws-sdk/core, util-endpoints). A test holds the two together, in both directions.
 */
export const REGIONS: Readonly<Record<string, string>> = {
  'af-south-1': 'Africa (Cape Town)',
  'ap-east-1': 'Asia Pacific (Hong Kong)',
  'ap-east-2': 'Asia Pacific (Taipei)',
  'ap-northeast-1': 'Asia Pacific (Tokyo)',
  'ap-northeast-2': 'Asia Pacific (Seoul)',
  'ap-northeast-3': 'Asia Pacific (Osaka)',
  'ap-south-1': 'Asia Pacific (Mumbai)',
  'ap-south-2': 'Asia Pacific (Hyderabad)',
  'ap-southeast-1': 'Asia Pacific (Singapore)',
  'ap-southeast-2': 'Asia Pacific (Sydney)',
  'ap-southeast-3': 'Asia Pacific (Jakarta)',
  'ap-southeast-4': 'Asia Pacific (Melbourne)',
  'ap-southeast-5': 'Asia Pacific (Malaysia)',
  'ap-southeast-6': 'Asia Pacific (New Zealand)',
  'ap-southeast-7': 'Asia Pacific (Thailand)',
  'ca-central-1': 'Canada (Central)',
  'ca-west-1': 'Canada West (Calgary)',
  'eu-central-1': 'Europe (Frankfurt)',
  'eu-central-2': 'Europe (Zurich)',
  'eu-north-1': 'Europe (Stockholm)',
  'eu-south-1': 'Europe (Milan)',
  'eu-south-2': 'Europe (Spain)',
  'eu-west-1': 'Europe (Ireland)',
  'eu-west-2': 'Europe (London)',
  'eu-west-3': 'Europe (Paris)',
  'il-central-1': 'Israel (Tel Aviv)',
  'me-central-1': 'Middle East (UAE)',
  'me-south-1': 'Middle East (Bahrain)',
  'me-west-1': 'Middle East (Saudi Arabia)',
  'mx-central-1': 'Mexico (Central)',
  'sa-east-1': 'South America (Sao Paulo)',
  'sa-west-1': 'South America (Chile)',
  'us-east-1': 'US East (N. Virginia)',
  'us-east-2': 'US East (Ohio)',
  'us-west-1': 'US West (N. California)',
  'us-west-2': 'US West (Oregon)',
  'cn-north-1': 'China (Beijing)',
  'cn-northwest-1': 'China (Ningxia)',
  'eusc-de-east-1': 'AWS European Sovereign Cloud (Germany)',
  'us-gov-east-1': 'AWS GovCloud (US-East)',
  'us-gov-west-1': 'AWS GovCloud (US-West)',
}

/** Longest text that is looked through for regions: the rest is cut off. */
const MAX_PROSE = 40_000

/** Further names that AWS's prose uses. */
const ALIASES: Readonly<Record<string, string>> = {
  'N.Virginia': 'us-east-1',
  'Northern Virginia': 'us-east-1',
  Virginia: 'us-east-1',
  'N.California': 'us-west-1',
  'Northern California': 'us-west-1',
  'Canada Central': 'ca-central-1',
  Montreal: 'ca-central-1',
  Queretaro: 'mx-central-1',
  'GovCloud (US East)': 'us-gov-east-1',
  'GovCloud (US West)': 'us-gov-west-1',
  'GovCloud US-East': 'us-gov-east-1',
  'GovCloud US-West': 'us-gov-west-1',
  'GovCloud (US-East)': 'us-gov-east-1',
  'GovCloud (US-West)': 'us-gov-west-1',
  'European Sovereign Cloud': 'eusc-de-east-1',
}

/** In brackets behind a wider name, yet too vague to be a region's name without it. */
const VAGUE: ReadonlySet<string> = new Set(['Central', 'Germany', 'US-East', 'US-West'])

/** Any code built as AWS builds them: a region that was opened after this list was written is a region too. */
const CODE = '(?:us-gov|us|eu|ap|sa|ca|me|af|il|mx|cn|eusc-de)-(?:(?:north|south)(?:east|west)?|east|west|central)-\\d'
const WHOLE_CODE = new RegExp(`^${CODE}$`)
const KEY = new RegExp(`^(.+?)-(${CODE})$`)

export function isRegion(code: string): boolean {
  return WHOLE_CODE.test(code)
}

const byName = namesOf()
const byZone = new Map(Object.keys(REGIONS).map((code) => [zonePrefix(code), code]))

/** A code (with or without a zone's letter), a zone's id such as `use1-az4`, or one of the names; in plain text, which is ASCII. */
const PROSE = new RegExp(`\\b(?:(${CODE})[a-f]?|([a-z]{2,5}\\d)-az\\d{1,2}|(${namePattern()}))(?!\\w)`, 'g')

/**
 * The regions that a text names, by code (`us-east-1`, `EU-NORTH-1`, `us-east-1a`), by zone id (`use1-az4`) or by name
 * ("Stockholm", "US East (N. Virginia)", "Ohio"), in the order in which they are first named, each once.
 * "US East" alone is two regions and names none.
 */
export function regionsNamed(text: string): string[] {
  const found = new Set<string>()
  for (const [, code, zone, name] of plain(text.slice(0, MAX_PROSE)).matchAll(PROSE)) {
    const region = code ?? byZone.get(zone ?? '') ?? byName.get(name ?? '')
    if (region !== undefined) found.add(region)
  }
  return [...found]
}

/**
 * Takes a key of the dashboard apart: `sts-us-east-1` is `sts` in `us-east-1`, `iam` stands for no region.
 * Keys are compared in lower case.
 */
export function splitKey(key: string): { service: string; region: string | null } {
  const lower = key.toLowerCase()
  const [, service = lower, region = null] = KEY.exec(lower) ?? []
  return { service, region }
}

/**
 * Lower case, without accents, with one kind of hyphen and of space: prose is written by people. Letters of other scripts
 * become `_` and other signs `!`, for a pattern on ASCII is many times faster.
 */
function plain(text: string): string {
  return (
    text
      // Before they are put in order as well: that takes time with the square of how many stand in a row.
      .replace(/\p{M}/gu, '')
      .normalize('NFD')
      .replace(/\p{M}/gu, '')
      .replace(/[\u2010-\u2015\u2212]/g, '-')
      .replace(/\s+/g, ' ')
      .toLowerCase()
      .replace(/[[\p{L}\p{N}]--[\p{ASCII}]]/gv, '_')
      .replace(/[^\p{ASCII}]/gu, '!')
  )
}

function namesOf(): Map<string, string> {
  const names = new Map<string, string>()
  for (const [code, name] of Object.entries(REGIONS)) {
    names.set(plain(name), code)
    const inner = /\(([^()]+)\)/.exec(name)?.[1]
    if (inner !== undefined && !VAGUE.has(inner)) names.set(plain(inner), code)
  }
  for (const [name, code] of Object.entries(ALIASES)) names.set(plain(name), code)
  return names
}

/** Longest first, so that a whole name wins over a part of it. */
function namePattern(): string {
  const names = [...byName.keys()].sort((a, b) => b.length - a.length)
  return names.map((name) => name.replace(/[.()]/g, '\\$&')).join('|')
}

/** AWS shortens `us-east-1` to `use1` and `ap-northeast-1` to `apne1` in the ids of its zones. */
function zonePrefix(code: string): string {
  const parts = code.split('-')
  const area = parts.slice(0, -2).map((part, i) => (i === 0 ? part : part[0]))
  const direction = (parts.at(-2) ?? '').replace(/(north|south|east|west|central)/g, (word) => word[0] ?? '')
  return [...area, direction, parts.at(-1)].join('')
}
