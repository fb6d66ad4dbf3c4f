// Every app of a resource group may be rolled out.
param identityPrincipalId string
param operatorRole string

resource identityMay 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, identityPrincipalId, operatorRole)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', operatorRole)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}
