// What the hook after `azd deploy` makes: everything that reaches what others own, and the event subscriptions.
//
// A deployment of its own, so that `azd down` knows nothing of these resource groups and deletes none of them;
// infra/hooks/disconnect.py takes it back. After the code, because a subscription to a function that does not exist
// is refused ("Destination endpoint not found", github.com/Azure/bicep/issues/11656).
targetScope = 'subscription'

param location string
param resourceGroupName string
param functionAppName string
param storageAccountName string
param scansTopicName string

@description('Object id of the function app\'s identity.')
param identityPrincipalId string

@description('Name (a GUID) of the role definition Weighbridge Operator.')
param operatorRole string

@description('Resource id of the registry.')
param registryId string

@description('Region of the registry; its system topic must be there too.')
param registryLocation string

@description('True: the registry is made, in a resource group of its own, which azd never deletes.')
param makeRegistry bool

@description('True: the registry grants rights by repository (its mode is "RBAC Registry + ABAC Repository Permissions").')
param registryAbac bool

@description('Name of the registry\'s system topic. A registry can have one only.')
param systemTopicName string

@description('True: the system topic is made. False: another team has made it, with a system-assigned identity.')
param makeSystemTopic bool

@description('Resource groups whose apps may be rolled out.')
param appGroups array

@description('Single apps that may be rolled out, as {group, name}.')
param apps array

@allowed(['AzureFunction', 'StorageQueue'])
@description('StorageQueue: for function apps that Event Grid cannot call.')
param delivery string

@description('Object ids of who may publish scans.')
param scanSenders array

@description('Workspaces that rows of metrics ask, as {group, name}.')
param workspaces array

@allowed(['on', 'off'])
param defender string

@description('Resource ids of action groups that are told of pushes that were given up; none: no alert is made.')
param alertGroups array

var registryParts = split(registryId, '/')
var storageId = resourceId(subscription().subscriptionId, resourceGroupName, 'Microsoft.Storage/storageAccounts', storageAccountName)
var functionId = resourceId(subscription().subscriptionId, resourceGroupName, 'Microsoft.Web/sites', functionAppName)

resource registryGroup 'Microsoft.Resources/resourceGroups@2024-03-01' = if (makeRegistry) {
  name: registryParts[4]
  location: location
}

module newRegistry 'modules/registry.bicep' = if (makeRegistry) {
  name: 'weighbridge-registry'
  scope: resourceGroup(registryParts[2], registryParts[4])
  params: {
    name: registryParts[8]
    location: registryLocation
  }
  dependsOn: [registryGroup]
}

module registry 'modules/registry-access.bicep' = {
  name: 'weighbridge-registry-access'
  scope: resourceGroup(registryParts[2], registryParts[4])
  params: {
    registryName: registryParts[8]
    registryLocation: registryLocation
    registryAbac: registryAbac
    systemTopicName: systemTopicName
    makeSystemTopic: makeSystemTopic
    identityPrincipalId: identityPrincipalId
    defender: defender
  }
  dependsOn: [newRegistry]
}

module pushesMayDeliver 'modules/delivery-access.bicep' = {
  name: 'weighbridge-pushes-delivery'
  scope: resourceGroup(resourceGroupName)
  params: {
    storageAccountName: storageAccountName
    principalId: registry.outputs.topicPrincipalId
  }
}

module pushes 'modules/pushes.bicep' = {
  name: 'weighbridge-pushes'
  scope: resourceGroup(registryParts[2], registryParts[4])
  params: {
    systemTopicName: registry.outputs.topicName
    functionId: functionId
    storageId: storageId
    delivery: delivery
  }
  dependsOn: [pushesMayDeliver]
}

module pushesGivenUp 'modules/undelivered.bicep' = if (!empty(alertGroups)) {
  name: 'weighbridge-pushes-given-up'
  scope: resourceGroup(resourceGroupName)
  params: {
    prefix: '${functionAppName}-pushes'
    tags: {}
    topicId: resourceId(registryParts[2], registryParts[4], 'Microsoft.EventGrid/systemTopics', systemTopicName)
    actionGroups: alertGroups
  }
  dependsOn: [pushes]
}

module scans 'modules/scans.bicep' = {
  name: 'weighbridge-scans'
  scope: resourceGroup(resourceGroupName)
  params: {
    scansTopicName: scansTopicName
    functionId: functionId
    storageId: storageId
    delivery: delivery
    senders: scanSenders
  }
}

module groupsMay 'modules/group-access.bicep' = [for group in appGroups: {
  name: 'weighbridge-group-${uniqueString(group)}'
  scope: resourceGroup(group)
  params: {
    identityPrincipalId: identityPrincipalId
    operatorRole: operatorRole
  }
}]

module appsMay 'modules/app-access.bicep' = [for app in apps: {
  name: 'weighbridge-app-${uniqueString(app.group, app.name)}'
  scope: resourceGroup(app.group)
  params: {
    appName: app.name
    identityPrincipalId: identityPrincipalId
    operatorRole: operatorRole
  }
}]

module workspacesMay 'modules/workspace-access.bicep' = [for workspace in workspaces: {
  name: 'weighbridge-workspace-${uniqueString(workspace.group, workspace.name)}'
  scope: resourceGroup(workspace.group)
  params: {
    workspaceName: workspace.name
    identityPrincipalId: identityPrincipalId
  }
}]
