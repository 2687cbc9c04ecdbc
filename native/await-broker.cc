// awaitBroker(timeoutMs, callback): waits until a broker has answered the client's own first question, which is about brokers only.
// rd_kafka_metadata() asks for all topics, and asks again 50 ms later when the bootstrap connection ends before it answers.
#include "native/held-client.h"
#include "native/methods.h"
#include "native/worker.h"
#include "src/kafka-consumer.h"
#include "src/producer.h"

namespace Rafka {

namespace {

class AwaitBrokerWorker : public Worker {
 public:
  AwaitBrokerWorker(v8::Local<v8::Value> callback, NodeKafka::Connection* connection, int timeout_ms)
      : Worker(callback), connection_(connection), timeout_ms_(timeout_ms) {}

  void Execute() override {
    HeldClient client = HeldClient::Wait(connection_);
    if (client.rk() == NULL) {
      return Fail(RD_KAFKA_RESP_ERR__STATE);
    }
    // -1 after the time-out, and at once from a cluster without a controller.
    if (rd_kafka_controllerid(client.rk(), timeout_ms_) < 0) {
      Fail(RD_KAFKA_RESP_ERR__TRANSPORT);
    }
  }

 private:
  NodeKafka::Connection* connection_;
  const int timeout_ms_;
};

void Await(Nan::NAN_METHOD_ARGS_TYPE info, NodeKafka::Connection* connection) {
  if (!info[0]->IsNumber() || !info[1]->IsFunction()) {
    return Nan::ThrowTypeError("awaitBroker needs a time-out and a callback");
  }
  Nan::AsyncQueueWorker(new AwaitBrokerWorker(info[1], connection, Nan::To<int>(info[0]).FromJust()));
}

}  // namespace

NAN_METHOD(AwaitProducerBroker) {
  Await(info, Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This()));
}

NAN_METHOD(AwaitConsumerBroker) {
  Await(info, Nan::ObjectWrap::Unwrap<NodeKafka::KafkaConsumer>(info.This()));
}

}  // namespace Rafka
