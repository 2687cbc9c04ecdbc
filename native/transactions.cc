// groupMetadata(): which member of its group a consumer is now, and of which generation. sendOffsets(positions, metadata, timeoutMs,
// callback): the group's positions as a part of the producer's transaction, refused when that member's generation is over.
#include <string>
#include <utility>

#include "native/held-client.h"
#include "native/methods.h"
#include "native/partitions.h"
#include "native/worker.h"
#include "src/kafka-consumer.h"
#include "src/producer.h"

namespace Rafka {

namespace {

class SendOffsetsWorker : public Worker {
 public:
  SendOffsetsWorker(v8::Local<v8::Value> callback, NodeKafka::Producer* producer, Partitions positions,
                    std::string metadata, int timeout_ms)
      : Worker(callback),
        producer_(producer),
        positions_(std::move(positions)),
        metadata_(std::move(metadata)),
        timeout_ms_(timeout_ms) {}

  void Execute() override {
    rd_kafka_consumer_group_metadata_t* group = NULL;
    rd_kafka_error_t* error = rd_kafka_consumer_group_metadata_read(&group, metadata_.data(), metadata_.size());
    if (error == NULL) {
      error = Send(group);
      rd_kafka_consumer_group_metadata_destroy(group);
    }
    if (error == NULL) {
      return;
    }
    SetErrorBaton(NodeKafka::Baton(static_cast<RdKafka::ErrorCode>(rd_kafka_error_code(error)),
                                   rd_kafka_error_string(error), rd_kafka_error_is_fatal(error),
                                   rd_kafka_error_is_retriable(error), rd_kafka_error_txn_requires_abort(error)));
    rd_kafka_error_destroy(error);
  }

  void HandleErrorCallback() override {
    Nan::HandleScope scope;
    v8::Local<v8::Value> argv[1] = {m_baton.ToTxnObject()};
    Nan::Call(*callback, 1, argv);
  }

 private:
  rd_kafka_error_t* Send(rd_kafka_consumer_group_metadata_t* group) {
    HeldClient client = HeldClient::Wait(producer_);
    if (client.rk() == NULL) {
      return rd_kafka_error_new(RD_KAFKA_RESP_ERR__STATE, "The producer is closed");
    }
    return rd_kafka_send_offsets_to_transaction(client.rk(), positions_.get(), group, timeout_ms_);
  }

  NodeKafka::Producer* producer_;
  Partitions positions_;
  const std::string metadata_;
  const int timeout_ms_;
};

}  // namespace

// Returns a Buffer that sendOffsets() takes; null when the consumer is closed or has no group.
NAN_METHOD(GroupMetadata) {
  info.GetReturnValue().Set(Nan::Null());
  HeldClient client = HeldClient::Now(Nan::ObjectWrap::Unwrap<NodeKafka::KafkaConsumer>(info.This()));
  rd_kafka_consumer_group_metadata_t* group =
      client.rk() == NULL ? NULL : rd_kafka_consumer_group_metadata(client.rk());
  if (group == NULL) {
    return;
  }
  void* bytes = NULL;
  size_t length = 0;
  rd_kafka_error_t* error = rd_kafka_consumer_group_metadata_write(group, &bytes, &length);
  rd_kafka_consumer_group_metadata_destroy(group);
  if (error != NULL) {
    rd_kafka_error_destroy(error);
    return;
  }
  v8::Local<v8::Object> copied;
  if (Nan::CopyBuffer(static_cast<char*>(bytes), length).ToLocal(&copied)) {
    info.GetReturnValue().Set(copied);
  }
  rd_kafka_mem_free(client.rk(), bytes);
}

NAN_METHOD(SendOffsets) {
  Partitions positions = PartitionsOf(info[0]);
  if (positions == NULL || !node::Buffer::HasInstance(info[1]) || !info[2]->IsNumber() || !info[3]->IsFunction()) {
    return Nan::ThrowTypeError("sendOffsets needs positions, a group's metadata, a time-out and a callback");
  }
  NodeKafka::Producer* producer = Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This());
  std::string metadata(node::Buffer::Data(info[1]), node::Buffer::Length(info[1]));
  Nan::AsyncQueueWorker(new SendOffsetsWorker(info[3], producer, std::move(positions), std::move(metadata),
                                              Nan::To<int32_t>(info[2]).FromJust()));
}

}  // namespace Rafka
