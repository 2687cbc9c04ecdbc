// setCredentials(user, password): of the next login (SASL PLAIN, SCRAM). Open connections stay as they are.
#include <string>

#include "native/held-client.h"
#include "native/methods.h"
#include "src/kafka-consumer.h"
#include "src/producer.h"

namespace Rafka {

namespace {

// Returns whether the client has taken them: one that is closed has no more logins.
void Set(Nan::NAN_METHOD_ARGS_TYPE info, NodeKafka::Connection* connection) {
  if (!info[0]->IsString() || !info[1]->IsString()) {
    return Nan::ThrowTypeError("setCredentials needs a user and a password");
  }
  const std::string user(*Nan::Utf8String(info[0]));
  const std::string password(*Nan::Utf8String(info[1]));
  HeldClient client = HeldClient::Now(connection);
  if (client.rk() == NULL) {
    return info.GetReturnValue().Set(false);
  }
  rd_kafka_error_t* error = rd_kafka_sasl_set_credentials(client.rk(), user.c_str(), password.c_str());
  info.GetReturnValue().Set(error == NULL);
  if (error != NULL) {
    rd_kafka_error_destroy(error);
  }
}

}  // namespace

NAN_METHOD(SetProducerCredentials) {
  Set(info, Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This()));
}

NAN_METHOD(SetConsumerCredentials) {
  Set(info, Nan::ObjectWrap::Unwrap<NodeKafka::KafkaConsumer>(info.This()));
}

}  // namespace Rafka
