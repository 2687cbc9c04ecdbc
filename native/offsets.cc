// storeOffset(topic, partition, offset): what the next auto-commit commits. commitWithResult(positions, timeoutMs, callback): commits
// now and says how the coordinator answered.
#include <string>
#include <utility>

#include "native/held-client.h"
#include "native/methods.h"
#include "native/partitions.h"
#include "native/worker.h"
#include "src/kafka-consumer.h"

namespace Rafka {

namespace {

class CommitWorker : public Worker {
 public:
  CommitWorker(v8::Local<v8::Value> callback, NodeKafka::KafkaConsumer* consumer, Partitions positions, int timeout_ms)
      : Worker(callback), consumer_(consumer), positions_(std::move(positions)), timeout_ms_(timeout_ms) {}

  void Execute() override {
    HeldClient client = HeldClient::Wait(consumer_);
    if (client.rk() == NULL) {
      return Fail(RD_KAFKA_RESP_ERR__STATE);
    }
    rd_kafka_queue_t* queue = rd_kafka_queue_new(client.rk());
    const rd_kafka_resp_err_t refused = rd_kafka_commit_queue(client.rk(), positions_.get(), queue, NULL, NULL);
    if (refused != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Fail(refused);
    } else {
      rd_kafka_event_t* event = rd_kafka_queue_poll(queue, timeout_ms_);
      if (event == NULL) {
        Fail(RD_KAFKA_RESP_ERR__TIMED_OUT);
      } else {
        Check(event);
        rd_kafka_event_destroy(event);
      }
    }
    rd_kafka_queue_destroy(queue);
  }

 private:
  void Check(rd_kafka_event_t* event) {
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return Fail(rd_kafka_event_error(event));
    }
    const rd_kafka_topic_partition_list_t* list = rd_kafka_event_topic_partition_list(event);
    for (int i = 0; list != NULL && i < list->cnt; i++) {
      const rd_kafka_topic_partition_t& at = list->elems[i];
      if (at.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return Fail(at.err, std::string(at.topic) + ":" + std::to_string(at.partition) + ": " + rd_kafka_err2str(at.err));
      }
    }
  }

  NodeKafka::KafkaConsumer* consumer_;
  Partitions positions_;
  const int timeout_ms_;
};

}  // namespace

// Called for each ack: looking its numbers up in an object costs several times what storing them does. Returns librdkafka's error code.
NAN_METHOD(StoreOffset) {
  if (!info[0]->IsString() || !info[1]->IsNumber() || !info[2]->IsNumber()) {
    return Nan::ThrowTypeError("storeOffset needs a topic, a partition and an offset");
  }
  NodeKafka::KafkaConsumer* consumer = Nan::ObjectWrap::Unwrap<NodeKafka::KafkaConsumer>(info.This());
  HeldClient client = HeldClient::Now(consumer);
  rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__STATE;
  if (client.rk() != NULL && consumer->IsSubscribed()) {
    Partitions list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), *Nan::Utf8String(info[0]), Nan::To<int32_t>(info[1]).FromJust())
        ->offset = Nan::To<int64_t>(info[2]).FromJust();
    err = rd_kafka_offsets_store(client.rk(), list.get());
  }
  info.GetReturnValue().Set(Nan::New<v8::Number>(err));
}

NAN_METHOD(CommitWithResult) {
  Partitions positions = PartitionsOf(info[0]);
  if (positions == NULL || !info[1]->IsNumber() || !info[2]->IsFunction()) {
    return Nan::ThrowTypeError("commitWithResult needs positions, a time-out and a callback");
  }
  NodeKafka::KafkaConsumer* consumer = Nan::ObjectWrap::Unwrap<NodeKafka::KafkaConsumer>(info.This());
  Nan::AsyncQueueWorker(
      new CommitWorker(info[2], consumer, std::move(positions), Nan::To<int32_t>(info[1]).FromJust()));
}

}  // namespace Rafka
