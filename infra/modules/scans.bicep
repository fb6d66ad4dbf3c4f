// The subscription to completed scans, and who may publish them.
param scansTopicName string
param functionId string
param storageId string
param delivery string
param senders array

var roles = { eventGridDataSender: 'd5a91429-5739-47e2-a06b-3470a27159e7' }

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: scansTopicName
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
      resourceId: '${functionId}/functions/scan_completed'
      maxEventsPerBatch: 1
      preferredBatchSizeInKilobytes: 64
    }
  }
}

resource scans 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'weighbridge'
  properties: union(delivery == 'StorageQueue' ? queue : call, {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: { includedEventTypes: ['Weighbridge.ImageScanCompleted', 'Weighbridge.DoctorCalled'] }
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

resource mayPublish 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for sender in senders: {
  name: guid(topic.id, sender, roles.eventGridDataSender)
  scope: topic
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.eventGridDataSender)
    principalId: sender
  }
}]
