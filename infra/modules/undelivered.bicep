// Alerts of one topic of Event Grid: events that it gave up, whether it could keep them (dead letters) or not (dropped).
param prefix string
param tags object
param topicId string

@description('Resource ids of the action groups that are told.')
param actionGroups array

resource givenUp 'Microsoft.Insights/metricAlerts@2018-03-01' = [for metric in ['DeadLetteredCount', 'DroppedEventCount']: {
  name: '${prefix}-${metric}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Event Grid could not deliver events to Weighbridge and gave them up. docs/doctor.md: undelivered.'
    severity: 2
    enabled: true
    scopes: [topicId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'given-up'
          metricName: metric
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
        }
      ]
    }
    actions: [for id in actionGroups: { actionGroupId: id }]
  }
}]
