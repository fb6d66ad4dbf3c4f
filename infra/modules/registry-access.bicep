// What Weighbridge may do with a registry, and the system topic that tells of its pushes.
param registryName string
param registryLocation string
param registryAbac bool
param systemTopicName string
param makeSystemTopic bool
param identityPrincipalId string
param defender string

var roles = {
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
  containerRegistryRepositoryReader: 'b93aa761-3e63-49ed-ac28-beffa264f7ac'
  containerRegistryRepositoryCatalogLister: 'bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7'
  securityReader: '39bc4728-0917-49c7-9d2c-d95423bc2eb4'
}
var readers = registryAbac ? [roles.containerRegistryRepositoryReader, roles.containerRegistryRepositoryCatalogLister] : [roles.acrPull]
var granted = concat(readers, defender == 'on' ? [roles.securityReader] : [])

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: registryName
}

resource identityMay 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in granted: {
  name: guid(registry.id, identityPrincipalId, role)
  scope: registry
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}]

resource made 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (makeSystemTopic) {
  name: systemTopicName
  location: registryLocation
  identity: { type: 'SystemAssigned' }
  properties: {
    source: registry.id
    topicType: 'Microsoft.ContainerRegistry.Registries'
  }
}

resource found 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = if (!makeSystemTopic) {
  name: systemTopicName
}

output topicName string = systemTopicName
output topicPrincipalId string = makeSystemTopic ? made.identity.principalId : found.identity.principalId
