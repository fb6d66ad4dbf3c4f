// One page in Application Insights with the queries of infra/queries, for who is on call. It costs nothing.
param location string
param tags object
param componentName string

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

var queries = [
  {
    title: 'Is the weigher well? Runs of its timers, and minutes with late ticks'
    texts: [loadTextContent('../queries/still.kql'), loadTextContent('../queries/late.kql')]
  }
  {
    title: 'Kept aside, and failing'
    texts: [loadTextContent('../queries/parked.kql'), loadTextContent('../queries/failing.kql')]
  }
  {
    title: 'Why runs fail'
    texts: [loadTextContent('../queries/why-failing.kql')]
  }
  {
    title: 'What was heard'
    texts: [loadTextContent('../queries/heard.kql')]
  }
  {
    title: 'Decisions of one app: edit its name'
    texts: [loadTextContent('../queries/decisions.kql')]
  }
  {
    title: 'Numbers, where a provider is configured'
    texts: [
      loadTextContent('../queries/rollbacks.kql')
      loadTextContent('../queries/lateness.kql')
      loadTextContent('../queries/receivers.kql')
    ]
  }
]

var parts = map(queries, part => concat([
  {
    type: 1
    content: { json: '## ${part.title}' }
  }
], map(part.texts, text => {
  type: 3
  content: {
    version: 'KqlItem/1.0'
    query: text
    size: 1
    timeContext: { durationMs: 86400000 }
    queryType: 0
    resourceType: 'microsoft.insights/components'
  }
})))

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(component.id, 'weighbridge')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: 'Weighbridge'
    sourceId: component.id
    version: 'Notebook/1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      items: flatten(parts)
      fallbackResourceIds: [component.id]
    })
  }
}
