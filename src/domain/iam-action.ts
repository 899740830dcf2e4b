/*
 * The IAM actions of operations that have none of their own name, by the name of the SDK's client. Sources: "Actions, resources
 * and condition keys" of each service in the service authorization reference, and for S3 "Required permissions for Amazon S3 API
 * operations". An operation that is neither an action nor in here cannot be probed: which permission it asks for, and so
 * whether it only reads, is not known.
 */

type Actions = Readonly<Record<string, string>>

const S3: Actions = {
  GetBucketAccelerateConfiguration: 's3:GetAccelerateConfiguration',
  GetBucketAnalyticsConfiguration: 's3:GetAnalyticsConfiguration',
  GetBucketEncryption: 's3:GetEncryptionConfiguration',
  GetBucketIntelligentTieringConfiguration: 's3:GetIntelligentTieringConfiguration',
  GetBucketInventoryConfiguration: 's3:GetInventoryConfiguration',
  GetBucketLifecycle: 's3:GetLifecycleConfiguration',
  GetBucketLifecycleConfiguration: 's3:GetLifecycleConfiguration',
  GetBucketMetadataConfiguration: 's3:GetBucketMetadataTableConfiguration',
  GetBucketMetricsConfiguration: 's3:GetMetricsConfiguration',
  GetBucketNotificationConfiguration: 's3:GetBucketNotification',
  GetBucketReplication: 's3:GetReplicationConfiguration',
  GetObjectLockConfiguration: 's3:GetBucketObjectLockConfiguration',
  GetPublicAccessBlock: 's3:GetBucketPublicAccessBlock',
  HeadBucket: 's3:ListBucket',
  ListBucketAnalyticsConfigurations: 's3:GetAnalyticsConfiguration',
  ListBucketIntelligentTieringConfigurations: 's3:GetIntelligentTieringConfiguration',
  ListBucketInventoryConfigurations: 's3:GetInventoryConfiguration',
  ListBucketMetricsConfigurations: 's3:GetMetricsConfiguration',
  ListBuckets: 's3:ListAllMyBuckets',
  ListDirectoryBuckets: 's3express:ListAllMyDirectoryBuckets',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  ListObjectVersions: 's3:ListBucketVersions',
  ListObjects: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  ListParts: 's3:ListMultipartUploadParts',
}

/** Amazon Keyspaces is asked about its tables as a query would ask. */
const KEYSPACES: Actions = {
  GetKeyspace: 'cassandra:Select',
  GetTable: 'cassandra:Select',
  ListKeyspaces: 'cassandra:Select',
  ListTables: 'cassandra:Select',
}

const BUDGETS: Actions = {
  DescribeBudget: 'budgets:ViewBudget',
  DescribeBudgetNotificationsForAccount: 'budgets:ViewBudget',
  DescribeBudgetPerformanceHistory: 'budgets:ViewBudget',
  DescribeBudgets: 'budgets:ViewBudget',
  DescribeNotificationsForBudget: 'budgets:ViewBudget',
  DescribeSubscribersForNotification: 'budgets:ViewBudget',
}

const DMS: Actions = {
  DescribeDataProviders: 'dms:ListDataProviders',
  DescribeExtensionPackAssociations: 'dms:ListExtensionPacks',
  DescribeInstanceProfiles: 'dms:ListInstanceProfiles',
  DescribeMetadataModelAssessments: 'dms:ListMetadataModelAssessments',
  DescribeMetadataModelConversions: 'dms:ListMetadataModelConversions',
  DescribeMigrationProjects: 'dms:ListMigrationProjects',
}

const BY_CLIENT: Readonly<Record<string, Actions>> = {
  s3: S3,
  's3-control': {
    GetPublicAccessBlock: 's3:GetAccountPublicAccessBlock',
    ListRegionalBuckets: 's3-outposts:ListRegionalBuckets',
  },
  keyspaces: KEYSPACES,
  budgets: BUDGETS,
  'database-migration-service': DMS,
  lambda: { GetLayerVersionByArn: 'lambda:GetLayerVersion' },
  accessanalyzer: { GetFindingV2: 'access-analyzer:GetFinding', ListFindingsV2: 'access-analyzer:ListFindings' },
}

/** Whose every operation that reads is one action. */
const WHOLE_CLIENT: Readonly<Record<string, string>> = { 'api-gateway': 'apigateway:GET', apigatewayv2: 'apigateway:GET' }

/** Actions that are not named like reading, and are what the operations above ask for. */
export const NAMED_OTHERWISE = ['apigateway:GET', 'budgets:ViewBudget', 'cassandra:Select'] as const

/** The action of an operation that is named otherwise; `null` where it would have the operation's own name. */
export function actionNamedOtherwise(client: string, operation: string): string | null {
  const actions = BY_CLIENT[client]
  if (actions !== undefined && Object.hasOwn(actions, operation)) return actions[operation] ?? null
  return Object.hasOwn(WHOLE_CLIENT, client) ? (WHOLE_CLIENT[client] ?? null) : null
}
