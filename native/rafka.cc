// Registers our calls with the addon.
#include "native/rafka.h"

#include "native/methods.h"

namespace Rafka {

void AddProducerMethods(v8::Local<v8::FunctionTemplate> producer) {
  Nan::SetPrototypeMethod(producer, "awaitBroker", AwaitProducerBroker);
  Nan::SetPrototypeMethod(producer, "produceMany", ProduceMany);
  Nan::SetPrototypeMethod(producer, "outqLen", OutqLen);
  Nan::SetPrototypeMethod(producer, "outqBytes", OutqBytes);
  Nan::SetPrototypeMethod(producer, "purge", Purge);
  Nan::SetPrototypeMethod(producer, "sendOffsets", SendOffsets);
  Nan::SetPrototypeMethod(producer, "setCredentials", SetProducerCredentials);
  Nan::SetPrototypeMethod(producer, "pollReports", PollReports);
  Nan::SetPrototypeMethod(producer, "reportTopic", ReportTopic);
  Nan::SetPrototypeMethod(producer, "brokerApis", BrokerApis);
  AddAdminMethods(producer);
}

void AddConsumerMethods(v8::Local<v8::FunctionTemplate> consumer) {
  Nan::SetPrototypeMethod(consumer, "awaitBroker", AwaitConsumerBroker);
  Nan::SetPrototypeMethod(consumer, "consumeBatch", ConsumeBatch);
  Nan::SetPrototypeMethod(consumer, "setCredentials", SetConsumerCredentials);
  Nan::SetPrototypeMethod(consumer, "storeOffset", StoreOffset);
  Nan::SetPrototypeMethod(consumer, "commitWithResult", CommitWithResult);
  Nan::SetPrototypeMethod(consumer, "groupMetadata", GroupMetadata);
}

void AddFunctions(v8::Local<v8::Object> exports) {
  Nan::SetMethod(exports, "endWithin", EndWithin);
}

}  // namespace Rafka
