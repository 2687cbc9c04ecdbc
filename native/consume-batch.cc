// consumeBatch(timeoutMs, max, callback): messages packed into two buffers on the worker's thread: a message costs the event loop no
// native call. src/kafka/consumer/batch.ts takes them apart.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "native/held-client.h"
#include "native/methods.h"
#include "native/worker.h"
#include "src/kafka-consumer.h"

namespace Rafka {

namespace {

// A batch is full with its last message: further ones wait in librdkafka.
const size_t kEnoughBytes = 64 << 20;

// What ended a batch beside a full one and the time-out.
struct Ending {
  int code = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string text;
  std::string topic;
  int32_t partition = RD_KAFKA_PARTITION_UA;
};

class ConsumeBatchWorker : public Worker {
 public:
  ConsumeBatchWorker(v8::Local<v8::Value> callback, NodeKafka::KafkaConsumer* consumer, uint32_t max, int timeout_ms)
      : Worker(callback), consumer_(consumer), max_(max), timeout_ms_(timeout_ms) {}

  // Waits for a first message or event, then takes what is ready. An error comes beside the messages before it.
  void Execute() override {
    HeldClient client = HeldClient::Wait(consumer_);
    if (client.rk() == NULL) {
      ending_.code = RD_KAFKA_RESP_ERR__STATE;
      return;
    }
    int timeout_ms = timeout_ms_;
    for (uint32_t taken = 0; taken < max_ && bytes_->size() < kEnoughBytes; taken++, timeout_ms = 0) {
      rd_kafka_message_t* message = rd_kafka_consumer_poll(client.rk(), timeout_ms);
      if (message == NULL) {
        return;
      }
      const bool is_error = message->err != RD_KAFKA_RESP_ERR_NO_ERROR && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF;
      if (is_error) {
        End(message);
      } else {
        Pack(message);
      }
      rd_kafka_message_destroy(message);
      if (is_error) {
        return;
      }
    }
  }

  // (null, bytes, fields as doubles in host order, topics, error's code or 0, its text, topic and partition)
  void HandleOKCallback() override {
    Nan::HandleScope scope;
    v8::Local<v8::Array> topics = Nan::New<v8::Array>();
    for (size_t i = 0; i < topics_.size(); i++) {
      Nan::Set(topics, i, Nan::New<v8::String>(topics_[i]).ToLocalChecked());
    }
    v8::Local<v8::Value> bytes = Nan::Null();
    v8::Local<v8::Value> fields = Nan::Null();
    if (!Hand(bytes_, bytes_->data(), bytes_->size(), &bytes) ||
        !Hand(fields_, fields_->data(), fields_->size() * sizeof(double), &fields)) {
      // The messages are lost to this call; their offsets are not stored, so they are read again.
      bytes = fields = Nan::Null();
      ending_.code = RD_KAFKA_RESP_ERR__FAIL;
      ending_.text = "no memory for the messages of one fetch";
    }
    v8::Local<v8::Value> argv[] = {Nan::Null(),
                                   bytes,
                                   fields,
                                   topics,
                                   Nan::New<v8::Number>(ending_.code),
                                   Nan::New<v8::String>(ending_.text).ToLocalChecked(),
                                   Nan::New<v8::String>(ending_.topic).ToLocalChecked(),
                                   Nan::New<v8::Number>(ending_.partition)};
    Nan::Call(*callback, 8, argv);
  }

 private:
  // Gives a buffer's memory to V8, which frees it. Nothing is handed over when it is empty. Returns false when V8 takes no more.
  template <typename T>
  bool Hand(std::unique_ptr<T>& owner, const void* data, size_t size, v8::Local<v8::Value>* into) {
    if (size == 0) {
      return true;
    }
    if (size > node::Buffer::kMaxLength) {
      return false;
    }
    // Node calls back to free it also when it makes no buffer. (Nan's own call ends the process from 1 GiB on.)
    v8::Local<v8::Object> buffer;
    const bool made = node::Buffer::New(
                          v8::Isolate::GetCurrent(), static_cast<char*>(const_cast<void*>(data)), size,
                          [](char*, void* hint) { delete static_cast<T*>(hint); }, owner.release())
                          .ToLocal(&buffer);
    if (made) {
      *into = buffer;
    }
    return made;
  }

  void End(const rd_kafka_message_t* message) {
    ending_.code = message->err;
    const char* text = rd_kafka_message_errstr(message);
    ending_.text = text == NULL ? "" : text;
    ending_.topic = message->rkt == NULL ? "" : rd_kafka_topic_name(message->rkt);
    ending_.partition = message->partition;
  }

  // Fields of a message: topic's index, partition, offset, timestamp, length of key and of value (-1: null), number of headers
  // (-1: the partition's end, not a message), and for each header the length of name and of value. The bytes follow each other
  // in the same order.
  void Pack(const rd_kafka_message_t* message) {
    const bool eof = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    rd_kafka_timestamp_type_t type;
    fields_->push_back(TopicIndex(message->rkt));
    fields_->push_back(message->partition);
    fields_->push_back(static_cast<double>(message->offset));
    fields_->push_back(static_cast<double>(rd_kafka_message_timestamp(message, &type)));
    fields_->push_back(eof ? -1 : Append(message->key, message->key_len));
    fields_->push_back(eof ? -1 : Append(message->payload, message->len));
    rd_kafka_headers_t* headers = NULL;
    if (eof || rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      fields_->push_back(eof ? -1 : 0);
      return;
    }
    const size_t count = rd_kafka_header_cnt(headers);
    fields_->push_back(static_cast<double>(count));
    for (size_t i = 0; i < count; i++) {
      const char* name;
      const void* value;
      size_t size;
      rd_kafka_header_get_all(headers, i, &name, &value, &size);
      fields_->push_back(Append(name, strlen(name)));
      fields_->push_back(Append(value, size));
    }
  }

  double Append(const void* data, size_t size) {
    if (data == NULL) {
      return -1;
    }
    bytes_->append(static_cast<const char*>(data), size);
    return static_cast<double>(size);
  }

  double TopicIndex(const rd_kafka_topic_t* topic) {
    if (topic != last_topic_ || last_index_ < 0) {
      const std::string name = topic == NULL ? "" : rd_kafka_topic_name(topic);
      auto found = std::find(topics_.begin(), topics_.end(), name);
      last_index_ = static_cast<double>(found - topics_.begin());
      if (found == topics_.end()) {
        topics_.push_back(name);
      }
      last_topic_ = topic;
    }
    return last_index_;
  }

  NodeKafka::KafkaConsumer* consumer_;
  const uint32_t max_;
  const int timeout_ms_;
  Ending ending_;
  const rd_kafka_topic_t* last_topic_ = NULL;
  double last_index_ = -1;
  std::vector<std::string> topics_;
  std::unique_ptr<std::string> bytes_ = std::make_unique<std::string>();
  std::unique_ptr<std::vector<double>> fields_ = std::make_unique<std::vector<double>>();
};

}  // namespace

NAN_METHOD(ConsumeBatch) {
  if (!info[0]->IsNumber() || !info[1]->IsNumber() || !info[2]->IsFunction()) {
    return Nan::ThrowTypeError("consumeBatch needs a time-out, a number and a callback");
  }
  NodeKafka::KafkaConsumer* consumer = Nan::ObjectWrap::Unwrap<NodeKafka::KafkaConsumer>(info.This());
  Nan::AsyncQueueWorker(new ConsumeBatchWorker(info[2], consumer, Nan::To<uint32_t>(info[1]).FromJust(),
                                               Nan::To<int32_t>(info[0]).FromJust()));
}

}  // namespace Rafka
