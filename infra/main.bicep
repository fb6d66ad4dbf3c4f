// What `azd provision` makes: one resource group with everything of ours in it, and two roles of our own.
//
// It touches no other resource group, for `azd down` deletes every group that this deployment has a resource in
// (github.com/Azure/azure-dev/issues/2916). Registries and apps belong to others: connect.bicep reaches them.
targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the azd environment; names of resources are made from it.')
param environmentName string

@minLength(1)
@description('Region of everything made here.')
param location string

@description('Object id of who may write policy rows: by default whoever deploys; empty for nobody.')
param operatorId string = deployer().objectId

@description('Resource id of a subnet delegated to Microsoft.App/environments, for private networks; empty for none.')
param subnetId string = ''

@allowed(['Allow', 'Deny'])
@description('Deny: only the subnet and trusted Azure services reach the storage account.')
param storageDefaultAction string = 'Allow'

@allowed(['Enabled', 'Disabled'])
@description('Disabled: only private endpoints reach the function app, also to deploy; events then come by queue.')
param publicAccess string = 'Enabled'

@allowed(['Standard_ZRS', 'Standard_LRS'])
@description('Standard_ZRS: three zones. Standard_LRS: for regions without zones.')
param storageSku string = 'Standard_ZRS'

@allowed(['on', 'off'])
@description('on: one instance always waits for ticks, which then start within seconds; off: after up to minutes.')
param alwaysReady string = 'on'

@allowed(['on', 'off'])
@description('on: images that wait for it are asked about at Microsoft Defender.')
param defender string = 'off'

@description('Address that is told when Weighbridge itself is sick; empty, without alertActionGroupId: no alerts are made.')
param alertEmail string = ''

@description('Resource id of an action group that is told, instead or as well.')
param alertActionGroupId string = ''

@description('More app settings, such as WEIGHBRIDGE_SECRET_OPS as a reference to a Key Vault. Never a secret itself.')
param moreSettings object = {}

var tags = { 'azd-env-name': environmentName }
var token = toLower(uniqueString(subscription().id, environmentName, location))
var groupName = 'rg-${environmentName}'
var alertsOn = !empty(alertEmail) || !empty(alertActionGroupId)
var functionName = 'fn-weighbridge-${token}'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: groupName
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'weighbridge-identity'
  scope: group
  params: {
    name: 'id-weighbridge-${token}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'weighbridge-storage'
  scope: group
  params: {
    name: 'stwb${token}'
    location: location
    tags: tags
    subnetId: subnetId
    defaultAction: storageDefaultAction
    sku: storageSku
    identityPrincipalId: identity.outputs.principalId
    operatorId: operatorId
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'weighbridge-monitoring'
  scope: group
  params: {
    name: 'weighbridge-${token}'
    location: location
    tags: tags
    identityPrincipalId: identity.outputs.principalId
  }
}

module topics 'modules/topics.bicep' = {
  name: 'weighbridge-topics'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    storageAccountName: storage.outputs.name
    identityPrincipalId: identity.outputs.principalId
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'weighbridge-workbook'
  scope: group
  params: {
    location: location
    tags: tags
    componentName: monitoring.outputs.componentName
  }
}

module alerts 'modules/alerts.bicep' = if (alertsOn) {
  name: 'weighbridge-alerts'
  scope: group
  params: {
    name: 'weighbridge-${token}'
    location: location
    tags: tags
    componentName: monitoring.outputs.componentName
    scansTopicName: topics.outputs.scansName
    email: alertEmail
    actionGroupId: alertActionGroupId
  }
}

module function 'modules/function.bicep' = {
  name: 'weighbridge-function'
  scope: group
  params: {
    name: functionName
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageAccountName: storage.outputs.name
    packageUrl: storage.outputs.packageUrl
    componentName: monitoring.outputs.componentName
    subnetId: subnetId
    publicAccess: publicAccess
    alwaysReady: alwaysReady
    defender: defender
    moreSettings: moreSettings
  }
}

// ---- roles of our own: exactly what docs/permissions.md lists, which a test holds to the calls that are made

resource operator 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, environmentName, 'operator')
  properties: {
    roleName: 'Weighbridge Operator (${environmentName})'
    description: 'Reads container apps, makes revisions, and shifts traffic between them.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.App/containerApps/read'
          'Microsoft.App/containerApps/write'
          'Microsoft.App/containerApps/revisions/read'
          'Microsoft.App/containerApps/revisions/replicas/read'
          'Microsoft.App/containerApps/revisions/activate/action'
          'Microsoft.App/containerApps/revisions/deactivate/action'
          'Microsoft.Insights/metrics/read'
          'Microsoft.Authorization/permissions/read'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [subscription().id]
  }
}

resource operations 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, environmentName, 'operations')
  properties: {
    roleName: 'Weighbridge Operations Reader (${environmentName})'
    description: 'Asks how writes to container apps went; Azure keeps these answers under the subscription.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.App/locations/containerAppOperationResults/read'
          'Microsoft.App/locations/containerAppOperationStatuses/read'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [subscription().id]
  }
}

module mayReadOperations 'modules/operations-access.bicep' = {
  name: 'weighbridge-operations-${token}'
  params: {
    identityPrincipalId: identity.outputs.principalId
    operationsRole: operations.name
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP_NAME string = function.outputs.name
output AZURE_STORAGE_ACCOUNT_NAME string = storage.outputs.name
output WEIGHBRIDGE_SUBSCRIPTION string = subscription().subscriptionId
output WEIGHBRIDGE_URL string = function.outputs.url
output WEIGHBRIDGE_TABLES string = storage.outputs.tables
output WEIGHBRIDGE_IDENTITY string = identity.outputs.principalId
output WEIGHBRIDGE_OPERATOR_ROLE string = operator.name
output WEIGHBRIDGE_OPERATIONS_ROLE string = operations.name
output WEIGHBRIDGE_SCANS_TOPIC string = topics.outputs.scansName
output WEIGHBRIDGE_SCANS_ENDPOINT string = topics.outputs.scansEndpoint
output WEIGHBRIDGE_EVENTS_ENDPOINT string = topics.outputs.eventsEndpoint
output WEIGHBRIDGE_ALERT_GROUPS string = alertsOn ? join(alerts.outputs.actionGroups, ',') : ''
