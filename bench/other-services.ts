/** Operations of other services, two of each, and what the stand-in answers: those whose clients are installed here. */

type Other = Readonly<{
  /** As it stands in the configuration. */
  call: string
  /** As the request names them. */
  service: string
  operation: string
  answer: object
}>

const ID = 'AKIAIOSFODNN7EXAMPLE'

/** EC2's client by itself is larger than all the others together. */
export const EC2: readonly Other[] = [
  { call: 'ec2:DescribeVpcs', service: 'ec2', operation: 'DescribeVpcs', answer: { vpcSet: [] } },
  { call: 'ec2:DescribeRegions', service: 'ec2', operation: 'DescribeRegions', answer: { regionInfo: [] } },
]

export const OTHERS: readonly Other[] = [
  { call: 'dynamodb:ListTables', service: 'dynamodb', operation: 'ListTables', answer: { TableNames: [] } },
  {
    call: 'dynamodb:DescribeTable: { TableName: orders }',
    service: 'dynamodb',
    operation: 'DescribeTable',
    answer: { Table: { TableName: 'orders' } },
  },
  { call: 'health:DescribeEventTypes', service: 'health', operation: 'DescribeEventTypes', answer: { eventTypes: [] } },
  {
    call: 'health:DescribeEventAggregates: { aggregateField: eventTypeCategory }',
    service: 'health',
    operation: 'DescribeEventAggregates',
    answer: { eventAggregates: [] },
  },
  {
    call: 'iam:GetAccountSummary',
    service: 'iam',
    operation: 'GetAccountSummary',
    answer: { SummaryMap: { entry: { key: 'Users', value: 1 } } },
  },
  { call: 'iam:ListUsers', service: 'iam', operation: 'ListUsers', answer: { Users: [], IsTruncated: false } },
  { call: 'lambda:ListFunctions', service: 'lambda', operation: 'GET /2015-03-31/functions', answer: { Functions: [] } },
  {
    call: 'lambda:GetFunctionConfiguration: { FunctionName: checkout }',
    service: 'lambda',
    operation: 'GET /2015-03-31/functions/checkout/configuration',
    answer: { FunctionArn: 'arn:aws:lambda:eu-west-1:1:function:checkout' },
  },
  { call: 'logs:DescribeLogGroups', service: 'logs', operation: 'DescribeLogGroups', answer: { logGroups: [] } },
  { call: 'logs:DescribeDestinations', service: 'logs', operation: 'DescribeDestinations', answer: { destinations: [] } },
  {
    call: 'organizations:DescribeOrganization',
    service: 'organizations',
    operation: 'DescribeOrganization',
    answer: { Organization: { Id: 'o-1' } },
  },
  { call: 'organizations:ListRoots', service: 'organizations', operation: 'ListRoots', answer: { Roots: [] } },
  { call: 's3:ListBuckets', service: 's3', operation: 'ListBuckets', answer: { Buckets: { Bucket: { Name: 'b' } } } },
  { call: 's3:HeadBucket: { Bucket: mine }', service: 's3', operation: 'HEAD /mine/', answer: {} },
  { call: 'sqs:ListQueues', service: 'sqs', operation: 'ListQueues', answer: {} },
  { call: 'sqs:GetQueueUrl: { QueueName: q }', service: 'sqs', operation: 'GetQueueUrl', answer: { QueueUrl: 'https://q' } },
  {
    call: 'sts:GetCallerIdentity',
    service: 'sts',
    operation: 'GetCallerIdentity',
    answer: { Account: '123456789012', Arn: 'arn:aws:sts::123456789012:assumed-role/alibi/alibi', UserId: 'AROAEXAMPLE:alibi' },
  },
  {
    call: `sts:GetAccessKeyInfo: { AccessKeyId: ${ID} }`,
    service: 'sts',
    operation: 'GetAccessKeyInfo',
    answer: { Account: '123456789012' },
  },
]

export const ANSWERS = [...OTHERS, ...EC2]
