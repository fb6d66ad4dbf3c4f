// Rows `names | metric | …` may ask a workspace.
param workspaceName string
param identityPrincipalId string

var roles = { logAnalyticsDataReader: '3b03c2da-16b3-4a49-8834-0f8130efdd3b' }

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource identityMay 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, identityPrincipalId, roles.logAnalyticsDataReader)
  scope: workspace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.logAnalyticsDataReader)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}
