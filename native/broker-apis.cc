// brokerApis(): the highest version of each Kafka request that all connected brokers take, by the request's number; -1: one lacks it.
// Null while no broker is connected, or while another thread opens or closes the client. Never blocks.
#include "native/held-client.h"
#include "native/methods.h"
#include "src/producer.h"

namespace Rafka {

NAN_METHOD(BrokerApis) {
  HeldClient client = HeldClient::Now(Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This()));
  int16_t versions[RD_KAFKA_BROKER_APIS_MAX];
  if (client.rk() == NULL || rd_kafka_broker_apis(client.rk(), versions, RD_KAFKA_BROKER_APIS_MAX) == 0) {
    return info.GetReturnValue().SetNull();
  }
  v8::Local<v8::Array> list = Nan::New<v8::Array>(RD_KAFKA_BROKER_APIS_MAX);
  for (uint32_t key = 0; key < RD_KAFKA_BROKER_APIS_MAX; key++) {
    Nan::Set(list, key, Nan::New(static_cast<int32_t>(versions[key])));
  }
  info.GetReturnValue().Set(list);
}

}  // namespace Rafka
