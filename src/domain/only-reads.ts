import type { AwsService } from './catalogue.ts'
import { actionNamedOtherwise } from './iam-action.ts'
import { ACTION_LINES } from './iam-data.ts'

/** May an operation be probed? `action`: the permission that it needs, as IAM names it. */
export type Reading =
  | Readonly<{ ok: true; action: string }>
  | Readonly<{
      ok: false
      why: string
      /** There is no such action: the name may be mistyped. */
      isUnknown?: true
    }>

/** Operations that only read are named with one of these. */
const VERB = /^(?:BatchDescribe|BatchGet|Describe|Get|Head|List|Lookup|Search)(?=[A-Z0-9])/

const SECRETS = 'it hands out secrets'
const TOKENS = 'it hands out credentials or tokens'
const CONTENT = 'it hands out what is stored in the service, not only what the service knows of it'
const LINKS = 'it hands out a link that lets in whoever has it'
const KEYS = 'it hands out keys'

/** Refused although AWS calls them Read: by operation, for whichever client has it. */
const REFUSED: Readonly<Record<string, string>> = {
  'access-analyzer:GetGeneratedPolicy': CONTENT,
  'amplify:GetArtifactUrl': LINKS,
  'api-gateway:GetExport': CONTENT,
  'api-gateway:GetSdk': CONTENT,
  'appconfigdata:GetLatestConfiguration': CONTENT,
  'appsync:ListApiKeys': KEYS,
  'athena:GetQueryResults': CONTENT,
  'backup:GetRecoveryPointRestoreMetadata': SECRETS,
  'cloudformation:GetTemplate': CONTENT,
  'codecommit:GetBlob': CONTENT,
  'codecommit:GetFile': CONTENT,
  'cognito-idp:DescribeIdentityProvider': SECRETS,
  'cognito-idp:DescribeUserPoolClient': SECRETS,
  'cognito-idp:GetUser': CONTENT,
  'cognito-idp:ListUserPoolClientSecrets': SECRETS,
  'directconnect:DescribeRouterConfiguration': SECRETS,
  'ds:DescribeTrusts': SECRETS,
  'dynamodb:BatchGetItem': CONTENT,
  'dynamodb:GetItem': CONTENT,
  'dynamodbstreams:GetRecords': CONTENT,
  'dynamodb-streams:GetRecords': CONTENT,
  'ebs:GetSnapshotBlock': CONTENT,
  'ec2:DescribeInstanceAttribute': SECRETS,
  'ec2:DescribeLaunchTemplateVersions': SECRETS,
  'ec2:DescribeVpnConnections': KEYS,
  'ec2:GetConsoleOutput': CONTENT,
  'ec2:GetConsoleScreenshot': CONTENT,
  'ec2:GetInstanceUefiData': CONTENT,
  'ec2:GetLaunchTemplateData': SECRETS,
  'ec2:GetPasswordData': SECRETS,
  'ec2:GetVpnConnectionDeviceSampleConfiguration': KEYS,
  'ecr:BatchGetImage': CONTENT,
  'ecr:GetDownloadUrlForLayer': LINKS,
  'gamelift:GetGameSessionLogUrl': LINKS,
  'glacier:GetJobOutput': CONTENT,
  'glue:GetConnection': SECRETS,
  'glue:GetConnections': SECRETS,
  'iam:GetCredentialReport': CONTENT,
  'iot:GetRetainedMessage': CONTENT,
  'iot-data-plane:GetRetainedMessage': CONTENT,
  'iot-data-plane:GetThingShadow': CONTENT,
  'kafka:GetBootstrapBrokers': CONTENT,
  'kinesis:GetRecords': CONTENT,
  'lambda:GetDurableExecution': CONTENT,
  'lambda:GetDurableExecutionHistory': CONTENT,
  'lambda:GetDurableExecutionState': CONTENT,
  'lambda:GetFunction': LINKS,
  'lambda:GetLayerVersion': LINKS,
  'lambda:GetLayerVersionByArn': LINKS,
  'lightsail:GetInstanceAccessDetails': SECRETS,
  'lightsail:GetRelationalDatabaseMasterUserPassword': SECRETS,
  'logs:GetLogEvents': CONTENT,
  'logs:GetLogRecord': CONTENT,
  'logs:GetQueryResults': CONTENT,
  'medialive:DescribeInput': SECRETS,
  'panorama:GetWebSocketURL': LINKS,
  'qldb:GetBlock': CONTENT,
  'qldb:GetRevision': CONTENT,
  'rds:DescribeDBLogFiles': CONTENT,
  'rds-data:GetStatementResult': CONTENT,
  'redshift-data:GetStatementResult': CONTENT,
  'redshift-data:GetStatementResultV2': CONTENT,
  's3:GetDataAccess': TOKENS,
  's3:GetObject': CONTENT,
  's3:GetObjectAnnotation': CONTENT,
  's3:GetObjectTorrent': CONTENT,
  's3-control:GetDataAccess': TOKENS,
  'sagemaker-featurestore-runtime:BatchGetRecord': CONTENT,
  'sagemaker-featurestore-runtime:GetRecord': CONTENT,
  'secretsmanager:BatchGetSecretValue': SECRETS,
  'secretsmanager:GetRandomPassword': SECRETS,
  'secretsmanager:GetSecretValue': SECRETS,
  'ses:GetMessageInsights': CONTENT,
  'sesv2:GetMessageInsights': CONTENT,
  'snowball:GetJobManifest': LINKS,
  'snowball:GetJobUnlockCode': SECRETS,
  'storagegateway:DescribeChapCredentials': SECRETS,
  'workdocs:GetDocumentVersion': LINKS,
}

type Pattern = Readonly<{ test: (operation: string) => boolean }>

/** What follows `Get` or `BatchGet`, looked at by itself: two gaps in one expression take a time that grows with their square. */
function gets(test: (rest: string) => boolean): Pattern {
  const verb = /^(?:Batch)?Get/
  return { test: (operation) => verb.test(operation) && test(operation.replace(verb, '')) }
}

/** Refused by what the name says, whichever service has it. */
const SUSPICIOUS: readonly (readonly [Pattern, string])[] = [
  [/^(?:Batch)?Get(?!Account)\w*(?:Secret(?:Value)?|Password|PrivateKey|UnlockCode|ChallengePassword)s?$/, SECRETS],
  [gets((rest) => /(?:Credentials(?:WithIAM|ForOrganization)?|Token|AuthCode)$/.test(rest)), TOKENS],
  [gets((rest) => rest.endsWith('Identity') && /Credentials|Token/.test(rest)), TOKENS],
  [gets((rest) => rest.includes('DataKey') || /ParametersFor(?:Import|Export)$/.test(rest)), KEYS],
  [
    /^(?:Batch)?Get\w*(?:Download|Embed|Presigned|Signed|Upload|Session|Artifacts?|Dashboard|Report|File|Log|Stream|Media|WebApp|Depot|Content)Ur[li]s?$/i,
    LINKS,
  ],
  [
    /^(?:Batch)?Get(?:\w+(?:Content|Transcript|RawMessage\w*)|Media(?:ForFragmentList)?|Object|Items?|Records?|Clip|Images?)$/,
    CONTENT,
  ],
  [/^List\w*(?:Secrets?Values?|AccessTokens|BearerTokens)$/, TOKENS],
]

/**
 * Whether an operation provably only reads: its action has the access level Read or List in AWS's service authorization
 * reference, its name's verb says the same, and it does not exist to hand something out. 69 actions of those levels do
 * something all the same (`bedrock:InvokeModel`), so that neither proof is enough alone.
 */
export function readingOf(service: AwsService, operation: string): Reading {
  const full = `${service.name}:${operation}`
  if (!/^[A-Z][A-Za-z0-9]{2,99}$/.test(operation)) return refused('expected an operation such as `DescribeTable`, in capitals')
  if (!VERB.test(operation))
    return refused(`it does more than read: Alibi only calls what is named Describe…, Get…, Head…, List…, Lookup… or Search…`)
  const reason =
    REFUSED[full] ??
    REFUSED[`${service.client}:${operation}`] ??
    REFUSED[`${service.prefix}:${operation}`] ??
    SUSPICIOUS.find(([pattern]) => pattern.test(operation))?.[1]
  if (reason !== undefined) return refused(`Alibi does not call it: ${reason}`)
  const action = actionNamedOtherwise(service.client, operation) ?? `${service.prefix}:${operation}`
  const found = findAction(action)
  if (found === null) {
    const why =
      'the permission that it needs is not known, and so whether it only reads (as of the list of actions that this version has)'
    return { ok: false, why, isUnknown: true }
  }
  return found.reads ? { ok: true, action: found.name } : refused('it changes something: AWS gives its action the level Write')
}

/** Parameters, in small letters, by which an operation that reads hands out what it would otherwise hide. */
const REVEALING: Readonly<Record<string, string>> = {
  withdecryption: SECRETS,
  includevalue: KEYS,
  includevalues: KEYS,
}

/** Why an operation is not called with these parameters; `null`: nothing speaks against them. */
export function revealedBy(input: Readonly<Record<string, unknown>>): Readonly<{ parameter: string; why: string }> | null {
  for (const [parameter, value] of Object.entries(input)) {
    const why = REVEALING[parameter.toLowerCase()]
    if (why !== undefined && value !== false) return { parameter, why: `with it, ${why}` }
  }
  return null
}

function refused(why: string): Reading {
  return { ok: false, why }
}

/** The operations of a service that can be probed, as far as they are actions of their own. */
export function readingOperations(service: AwsService): readonly string[] {
  const names = [...(actionsOf(service.prefix)?.values() ?? [])].map(({ name }) => name.slice(name.indexOf(':') + 1))
  return names.filter((name) => readingOf(service, name).ok)
}

type Action = Readonly<{ name: string; reads: boolean }>
let lines: ReadonlyMap<string, string> | null = null
const parsed = new Map<string, ReadonlyMap<string, Action>>()

/** IAM takes no notice of capitals: `s3:GetBucketCors` is `s3:GetBucketCORS`. */
function findAction(action: string): Action | null {
  const [prefix = '', name = ''] = action.split(':')
  return actionsOf(prefix)?.get(name.toLowerCase()) ?? null
}

function actionsOf(prefix: string): ReadonlyMap<string, Action> | null {
  const held = parsed.get(prefix)
  if (held !== undefined) return held
  lines ??= new Map(
    ACTION_LINES.trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  )
  const line = lines.get(prefix)
  if (line === undefined) return null
  const actions = new Map(
    line.split(' ').flatMap((group) => {
      const [verb = '', rests = ''] = group.split(':')
      return rests.split(',').map((rest): [string, Action] => {
        const reads = !rest.startsWith('!')
        const name = `${verb}${reads ? rest : rest.slice(1)}`
        return [name.toLowerCase(), { name: `${prefix}:${name}`, reads }]
      })
    }),
  )
  parsed.set(prefix, actions)
  return actions
}
