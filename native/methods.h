// The calls that rafka.cc registers, by file.
#ifndef NATIVE_METHODS_H_
#define NATIVE_METHODS_H_

#include <nan.h>

namespace Rafka {

void AddAdminMethods(v8::Local<v8::FunctionTemplate> producer);  // admin.cc

NAN_METHOD(AwaitProducerBroker);  // await-broker.cc
NAN_METHOD(AwaitConsumerBroker);  // await-broker.cc
NAN_METHOD(ProduceMany);          // produce-many.cc
NAN_METHOD(OutqLen);              // produce-many.cc
NAN_METHOD(OutqBytes);            // produce-many.cc
NAN_METHOD(Purge);                // produce-many.cc
NAN_METHOD(PollReports);          // reports.cc
NAN_METHOD(ReportTopic);          // reports.cc
NAN_METHOD(ConsumeBatch);         // consume-batch.cc
NAN_METHOD(StoreOffset);          // offsets.cc
NAN_METHOD(CommitWithResult);     // offsets.cc
NAN_METHOD(GroupMetadata);        // transactions.cc
NAN_METHOD(SendOffsets);          // transactions.cc
NAN_METHOD(SetProducerCredentials);  // credentials.cc
NAN_METHOD(SetConsumerCredentials);  // credentials.cc
NAN_METHOD(EndWithin);            // end-within.cc
NAN_METHOD(BrokerApis);           // broker-apis.cc

}  // namespace Rafka

#endif  // NATIVE_METHODS_H_
