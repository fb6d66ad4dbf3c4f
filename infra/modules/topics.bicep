// Two custom topics without keys: scanners publish to one, Weighbridge publishes its own events to the other.
param token string
param location string
param tags object
param storageAccountName string
param identityPrincipalId string

var roles = { eventGridDataSender: 'd5a91429-5739-47e2-a06b-3470a27159e7' }

resource scans 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: 'evgt-scans-${token}'
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
  }
}

resource events 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: 'evgt-weighbridge-${token}'
  location: location
  tags: tags
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
  }
}

resource identityMayPublish 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(events.id, identityPrincipalId, roles.eventGridDataSender)
  scope: events
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.eventGridDataSender)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// Where the topic of scans puts what it delivers by queue, and what it could not deliver at all.
module scansMayDeliver 'delivery-access.bicep' = {
  name: 'weighbridge-scans-delivery'
  params: {
    storageAccountName: storageAccountName
    principalId: scans.identity.principalId
  }
}

output scansName string = scans.name
output scansEndpoint string = scans.properties.endpoint
output eventsEndpoint string = events.properties.endpoint
