// One app may be rolled out, and no other of its resource group.
param appName string
param identityPrincipalId string
param operatorRole string

resource app 'Microsoft.App/containerApps@2026-01-01' existing = {
  name: appName
}

resource identityMay 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(app.id, identityPrincipalId, operatorRole)
  scope: app
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', operatorRole)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}
