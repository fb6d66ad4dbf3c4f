// The subscription to a registry's pushes.
param systemTopicName string
param functionId string
param storageId string
param delivery string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

var queue = {
  deliveryWithResourceIdentity: {
    identity: { type: 'SystemAssigned' }
    destination: {
      endpointType: 'StorageQueue'
      properties: {
        resourceId: storageId
        queueName: 'events'
        queueMessageTimeToLiveInSeconds: -1
      }
    }
  }
}
var call = {
  destination: {
    endpointType: 'AzureFunction'
    properties: {
      resourceId: '${functionId}/functions/image_pushed'
      maxEventsPerBatch: 1
      preferredBatchSizeInKilobytes: 64
    }
  }
}

resource pushes 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'weighbridge'
  properties: union(delivery == 'StorageQueue' ? queue : call, {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: {
      includedEventTypes: ['Microsoft.ContainerRegistry.ImagePushed']
      advancedFilters: [
        {
          operatorType: 'IsNotNull'
          key: 'data.target.tag'
        }
      ]
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: storageId
          blobContainerName: 'dead-letter'
        }
      }
    }
  })
}
