import { type AwsService, serviceNamed } from './catalogue.ts'
import type { Partition } from './probe.ts'

/*
 * What has to be known about a service and does not follow from its name.
 */

/**
 * The codes under which AWS reports a service: the AWS Health API's own code first, then the other names of the same thing on the
 * public dashboard. Sources: service codes in events that are public (AWS CLI examples, event samples in AWS's documentation)
 * and the dashboard's catalogue of services; test/dashboard-keys.txt has the latter's keys. Left out: the name in IAM, in capitals.
 */
const CODES: Readonly<Record<string, readonly string[]>> = {
  acm: ['ACM', 'CERTIFICATEMANAGER'],
  'api-gateway': ['APIGATEWAY'],
  apigatewayv2: ['APIGATEWAY'],
  appstream: ['APPSTREAM', 'APPSTREAM2'],
  budgets: ['BILLING', 'BILLINGCONSOLE'],
  ce: ['BILLING', 'BILLINGCONSOLE'],
  cloudcontrol: ['CLOUDFORMATION'],
  cloudwatch: ['CLOUDWATCH'],
  'cognito-identity': ['COGNITO'],
  'cognito-idp': ['COGNITO'],
  'cognito-sync': ['COGNITO'],
  cur: ['BILLING', 'BILLINGCONSOLE'],
  databrew: ['DATABREW', 'AWS_GLUE'],
  discovery: ['DISCOVERY', 'APPLICATIONDISCOVERYSERVICE'],
  docdb: ['DOCDB'],
  ds: ['DIRECTORYSERVICE', 'DS'],
  'dynamodb-streams': ['DYNAMODB'],
  'ec2-instance-connect': ['EC2_INSTANCE_CONNECT', 'MANAGEDSSH'],
  'ecr-public': ['ECR_PUBLIC', 'SPENCER'],
  'elastic-load-balancing': ['ELASTICLOADBALANCING', 'ELB'],
  'elastic-load-balancing-v2': ['ELASTICLOADBALANCING', 'ELB'],
  elasticmapreduce: ['EMR', 'ELASTICMAPREDUCE'],
  'elasticsearch-service': ['ES', 'ELASTICSEARCH', 'OPENSEARCH'],
  forecast: ['FORECAST', 'AMAZONFORECAST'],
  geo: ['LOCATION', 'LOCATIONSERVICE'],
  greengrass: ['GREENGRASS', 'AWSGREENGRASS'],
  greengrassv2: ['GREENGRASS', 'AWSGREENGRASS'],
  identitystore: ['IAMIDENTITYCENTER', 'SSO'],
  inspector2: ['INSPECTOR', 'INSPECTOR2'],
  iot: ['IOT', 'AWSIOT'],
  'kinesis-analytics': ['KINESISANALYTICS'],
  'kinesis-analytics-v2': ['KINESISANALYTICS'],
  launchwizard: ['LAUNCHWIZARD', 'APPWIZARD'],
  logs: ['CLOUDWATCH'],
  macie2: ['MACIE', 'MACIE2'],
  mediaconnect: ['MEDIACONNECT', 'ELEMENTAL'],
  mediaconvert: ['MEDIACONVERT', 'ELEMENTAL'],
  medialive: ['MEDIALIVE', 'ELEMENTAL'],
  mediapackage: ['MEDIAPACKAGE', 'ELEMENTAL'],
  mediatailor: ['MEDIATAILOR', 'ELEMENTAL'],
  'medical-imaging': ['HEALTHIMAGING'],
  mobiletargeting: ['PINPOINT'],
  neptune: ['NEPTUNE', 'NEPTUNE_DB'],
  opensearch: ['ES', 'ELASTICSEARCH', 'OPENSEARCH'],
  pricing: ['PRICING', 'APIPRICING'],
  rds: ['RDS'],
  'rds-data': ['RDS'],
  'redshift-data': ['REDSHIFT'],
  'redshift-serverless': ['REDSHIFT'],
  'resource-explorer-2': ['RESOURCEEXPLORER'],
  rolesanywhere: ['ROLESANYWHERE', 'IAMROLESANYWHERE'],
  'route53-recovery-cluster': ['ROUTE53APPRECOVERYCONTROLLER'],
  'route53-recovery-control-config': ['ROUTE53APPRECOVERYCONTROLLER'],
  'route53-recovery-readiness': ['ROUTE53APPRECOVERYCONTROLLER'],
  route53domains: ['ROUTE53DOMAINS', 'ROUTE53DOMAINREGISTRATION'],
  's3-control': ['S3'],
  ses: ['SES'],
  sesv2: ['SES'],
  ssm: ['SSM', 'EC2SYSTEMSMANAGER'],
  sso: ['IAMIDENTITYCENTER', 'SSO'],
  states: ['STATES', 'STATE'],
  support: ['SUPPORT', 'SUPPORTAPI'],
  synthetics: ['CLOUDWATCHSYNTHETICS', 'SYNTHETICS'],
  tag: ['RESOURCEGROUPSTAGGINGAPI'],
  'timestream-query': ['TIMESTREAM'],
  'timestream-write': ['TIMESTREAM'],
  waf: ['WAF', 'AWSWAF'],
  'waf-regional': ['WAF', 'AWSWAF'],
  wafv2: ['WAF', 'AWSWAF'],
}

/** The codes of a service in events of AWS Health; the first is the one by which Alibi calls it. */
export function codesOf(service: AwsService): readonly [string, ...string[]] {
  const [first, ...others] = CODES[service.name] ?? []
  return first === undefined ? [service.prefix.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')] : [first, ...others]
}

const withoutSigns = (code: string) => code.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')

/** Other names of a code, as they are written on the dashboard, by those names without their signs. */
const FIRST_CODE: ReadonlyMap<string, string> = new Map(
  Object.values(CODES).flatMap(([first = '', ...others]) =>
    // A name that several services share, such as ELEMENTAL, is none of them.
    others.filter((other) => other !== 'ELEMENTAL').map((other): [string, string] => [withoutSigns(other), withoutSigns(first)]),
  ),
)

/** One name for all that AWS calls the same: `elb` and `ELASTICLOADBALANCING`, `multipleservices` and `MULTIPLE_SERVICES`. */
export function plainCode(code: string): string {
  const plain = withoutSigns(code)
  return FIRST_CODE.get(plain) ?? plain
}

/**
 * Services whose API has one endpoint for a whole partition, and the region in which that stands in partition aws: the endpoint
 * rules of their clients, and "AWS fault isolation boundaries" for where the control plane is.
 */
const ONE_ENDPOINT: Readonly<Record<string, string>> = {
  account: 'us-east-1',
  artifact: 'us-east-1',
  'bcm-dashboards': 'us-east-1',
  'bcm-data-exports': 'us-east-1',
  'bcm-pricing-calculator': 'us-east-1',
  'bcm-recommended-actions': 'us-east-1',
  billing: 'us-east-1',
  billingconductor: 'us-east-1',
  budgets: 'us-east-1',
  ce: 'us-east-1',
  chime: 'us-east-1',
  cloudfront: 'us-east-1',
  cur: 'us-east-1',
  freetier: 'us-east-1',
  globalaccelerator: 'us-west-2',
  health: 'us-east-1',
  iam: 'us-east-1',
  importexport: 'us-east-1',
  invoicing: 'us-east-1',
  networkmanager: 'us-west-2',
  organizations: 'us-east-1',
  pricing: 'us-east-1',
  route53: 'us-east-1',
  'route53-recovery-control-config': 'us-west-2',
  route53domains: 'us-east-1',
  savingsplans: 'us-east-1',
  shield: 'us-east-1',
  support: 'us-east-1',
  tax: 'us-east-1',
  trustedadvisor: 'us-east-1',
  waf: 'us-east-1',
}

/** The same in the other partitions, where AWS has them there. */
const ELSEWHERE: Readonly<Record<Exclude<Partition, 'aws'>, string>> = {
  'aws-cn': 'cn-northwest-1',
  'aws-us-gov': 'us-gov-west-1',
  'aws-eusc': 'eusc-de-east-1',
}

/** China's other region has the only endpoint of these. */
const IN_BEIJING: ReadonlySet<string> = new Set(['iam', 'support'])

/** The region of a service's only endpoint in a partition; `null`: it has one in each region. */
export function onlyRegionOf(service: AwsService, partition: Partition): string | null {
  const region = Object.hasOwn(ONE_ENDPOINT, service.name) ? ONE_ENDPOINT[service.name] : undefined
  if (region === undefined) return null
  if (partition === 'aws') return region
  return partition === 'aws-cn' && IN_BEIJING.has(service.name) ? 'cn-north-1' : ELSEWHERE[partition]
}

/**
 * Whose events explain a failure of any service, besides its own: every signed call is authorized by IAM's data plane, temporary
 * credentials are STS's, and in a large outage AWS posts one event for many services.
 */
const RELATED = ['IAM', 'STS', 'MULTIPLE_SERVICES'] as const

/** And what a service visibly rests on: its API is part of the other's, or AWS posts about it there (docs/rules.md). */
const RESTS_ON: Readonly<Record<string, readonly string[]>> = {
  DOCDB: ['RDS'],
  EBS: ['EC2'],
  EC2: ['VPC'],
  NEPTUNE: ['RDS'],
}

/** Services whose events explain a failure of the one with this code, unless the configuration says otherwise. */
export function relatedByDefault(code: string): readonly string[] {
  return [...RELATED, ...(RESTS_ON[plainCode(code)] ?? [])].filter((other) => other !== code)
}

/** Operations whose answer may rightly hold nothing at all: that it came from AWS shows in its request id. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set([
  's3:GetBucketAccelerateConfiguration',
  's3:GetBucketLocation',
  's3:GetBucketLogging',
  's3:GetBucketMetricsConfiguration',
  's3:GetBucketNotificationConfiguration',
  's3:GetBucketVersioning',
  's3:HeadBucket',
  'sqs:ListDeadLetterSourceQueues',
  'sqs:ListQueueTags',
  'sqs:ListQueues',
])

/** Members that are in every healthy answer, of operations that are often watched. Of all others any member will do. */
const ALWAYS_THERE: Readonly<Record<string, string>> = {
  'cloudfront:ListDistributions': 'DistributionList',
  'dynamodb:DescribeTable': 'Table',
  'dynamodb:ListTables': 'TableNames',
  'ec2:DescribeInstances': 'Reservations',
  'ec2:DescribeRegions': 'Regions',
  'ec2:DescribeVpcs': 'Vpcs',
  'ecs:DescribeClusters': 'clusters',
  'ecs:ListClusters': 'clusterArns',
  'eks:DescribeCluster': 'cluster',
  'eks:ListClusters': 'clusters',
  'iam:GetAccountSummary': 'SummaryMap',
  'iam:ListRoles': 'Roles',
  'iam:ListUsers': 'Users',
  'kinesis:DescribeStreamSummary': 'StreamDescriptionSummary',
  'kms:DescribeKey': 'KeyMetadata',
  'kms:ListKeys': 'Keys',
  'lambda:GetFunctionConfiguration': 'FunctionArn',
  'lambda:ListFunctions': 'Functions',
  'logs:DescribeLogGroups': 'logGroups',
  'organizations:DescribeOrganization': 'Organization',
  'organizations:ListAccounts': 'Accounts',
  'rds:DescribeDBInstances': 'DBInstances',
  'route53:ListHostedZones': 'HostedZones',
  's3:ListBuckets': 'Buckets',
  's3:ListObjectsV2': 'KeyCount',
  'secretsmanager:ListSecrets': 'SecretList',
  'sns:ListTopics': 'Topics',
  'sqs:GetQueueAttributes': 'Attributes',
  'sqs:GetQueueUrl': 'QueueUrl',
  'states:ListStateMachines': 'stateMachines',
  'sts:GetCallerIdentity': 'Account',
}

/**
 * What a healthy answer shows: a member of this name, `any` member, or no more than that it is AWS's (`nothing`). An empty 200
 * is read as `{}` by every client of the SDK, and so is any well-formed page by those that speak XML (findings/sdk-empty-200.sh).
 */
export function expectedOf(operation: string): Readonly<{ member: string }> | 'any' | 'nothing' {
  if (MAY_BE_EMPTY.has(operation)) return 'nothing'
  const member = Object.hasOwn(ALWAYS_THERE, operation) ? ALWAYS_THERE[operation] : undefined
  return member === undefined ? 'any' : { member }
}

/** What a call costs, where AWS charges for reading so much that a probe each minute shows on the bill. */
const PRICE: Readonly<Record<string, string>> = {
  ce: '$0.01 a call: $432 a month at one a minute',
}

export function priceOf(service: AwsService): string | null {
  return PRICE[service.name] ?? null
}

/** Clients that take much memory, in megabytes (client 3.1169.0 on Node 24); most others take about three. */
const MEGABYTES: Readonly<Record<string, number>> = { ec2: 67 }

export function memoryOf(service: AwsService): number | null {
  return MEGABYTES[service.client] ?? null
}

/** The code in AWS Health of the service that an operation is of. */
export function serviceCode(operation: string): string {
  const [name = '', action] = operation.split(':')
  const service = action === undefined ? null : serviceNamed(name)
  return service === null ? 'ACCOUNT' : codesOf(service)[0]
}

/**
 * What an operation of another service than Account asks, taken apart from how it is shown; `null` for Account's:
 * `dynamodb:DescribeTable TableName=orders in eu-west-1`.
 */
export function askedOf(operation: string): Readonly<{ service: string; call: string; region: string }> | null {
  const [, call, region] = /^[\w-]+:(.+) in ([a-z0-9-]+)$/.exec(operation) ?? []
  return call === undefined || region === undefined ? null : { service: titleOf(operation), call, region }
}

/** Whether it was STS that failed, asked for the credentials of another service's call. @param operation as shown */
export function isOfSts({ service }: Readonly<{ service: string }>, operation: string): boolean {
  return service === 'STS' && serviceCode(operation) !== 'STS'
}

/** The services of some operations, by their names: `account`, `dynamodb`. */
export function servicesOf(members: readonly Readonly<{ operation: string }>[]): readonly string[] {
  return [
    ...new Set(
      members.map(({ operation }) => (operation.includes(':') ? operation.slice(0, operation.indexOf(':')) : 'account')),
    ),
  ]
}

export function titleOfService(name: string): string {
  return name === 'account' ? 'Account' : (serviceNamed(name)?.title ?? name)
}

/** The service of an operation, as people call it: `DynamoDB`. @param operation as shown, `dynamodb:DescribeTable …` */
export function titleOf(operation: string): string {
  const [, name] = /^([\w-]+):/.exec(operation) ?? []
  return name === undefined ? 'Account' : (serviceNamed(name)?.title ?? name)
}
