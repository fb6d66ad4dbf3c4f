// How writes went may be asked. A file of its own, so that the assignment is named after who has it: an assignment cannot
// be given to a new identity, and the identity of a new installation is a new one.
targetScope = 'subscription'

param identityPrincipalId string
param operationsRole string

resource identityMay 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, identityPrincipalId, operationsRole)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', operationsRole)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}
