// Who is told when the weigher itself is sick: timers that stand, late ticks, what is parked, what keeps failing, and scans
// that could not be delivered. The queries are files of infra/queries, for people too; a test holds them to the code.
param name string
param location string
param tags object
param componentName string
param scansTopicName string

@description('Address that is told; empty for none.')
param email string

@description('Resource id of an action group that there is already; empty for none.')
param actionGroupId string

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource scans 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: scansTopicName
}

resource onCall 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'weighbridge'
    emailReceivers: [
      {
        name: 'on-call'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

var told = concat(empty(email) ? [] : [onCall.id], empty(actionGroupId) ? [] : [actionGroupId])

var rules = [
  {
    name: 'still'
    tells: 'The timers of Weighbridge have not run for ten minutes: no tick is swept, no edited row is seen.'
    query: loadTextContent('../queries/still.kql')
    column: 'runs'
    operator: 'LessThan'
    threshold: 1
    window: 'PT10M'
    severity: 1
  }
  {
    name: 'late'
    tells: 'Ticks are late again and again: rollouts and rollbacks take longer than they should.'
    query: loadTextContent('../queries/late.kql')
    column: 'minutes'
    operator: 'GreaterThanOrEqual'
    threshold: 5
    window: 'PT15M'
    severity: 2
  }
  {
    name: 'parked'
    tells: 'Something failed five times or could not be read, and is kept aside.'
    query: loadTextContent('../queries/parked.kql')
    column: 'parked'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT15M'
    severity: 2
  }
  {
    name: 'failing'
    tells: 'Functions of Weighbridge keep failing.'
    query: loadTextContent('../queries/failing.kql')
    column: 'failed'
    operator: 'GreaterThanOrEqual'
    threshold: 10
    window: 'PT15M'
    severity: 2
  }
]

resource sick 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: '${name}-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Weighbridge: ${rule.name}'
    description: '${rule.tells} Run weighbridge doctor; docs/operating.md.'
    severity: rule.severity
    enabled: true
    scopes: [component.id]
    evaluationFrequency: 'PT5M'
    windowSize: rule.window
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: rule.query
          metricMeasureColumn: rule.column
          timeAggregation: 'Total'
          operator: rule.operator
          threshold: rule.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: { actionGroups: told }
  }
}]

module scansGivenUp 'undelivered.bicep' = {
  name: 'weighbridge-scans-given-up'
  params: {
    prefix: '${name}-scans'
    tags: tags
    topicId: scans.id
    actionGroups: told
  }
}

output actionGroups array = told
