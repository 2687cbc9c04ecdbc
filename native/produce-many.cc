// produceMany(topic, Buffer, Int32Array, count): many records of one topic in one call; a call for each costs more than what
// librdkafka does with the record. outqLen(), outqBytes(): what a producer still holds. purge() gives it up.
#include <algorithm>
#include <vector>

#include "native/held-client.h"
#include "native/methods.h"
#include "src/producer.h"

namespace Rafka {

namespace {

// Of one record: length of its key and of its value (-1: null), the number for its report, its error code, which is written.
const size_t kFields = 4;

// Whether keys and values, one behind the other, fill no more than `length` bytes.
bool FitsIn(size_t length, const int32_t* fields, size_t count) {
  size_t needed = 0;
  for (size_t i = 0; i < count; i++) {
    for (const int32_t size : {fields[kFields * i], fields[kFields * i + 1]}) {
      if (size < -1) {
        return false;
      }
      needed += std::max(size, 0);
    }
  }
  return needed <= length;
}

std::vector<rd_kafka_message_t> MessagesOf(char* bytes, const int32_t* fields, size_t count) {
  std::vector<rd_kafka_message_t> messages(count);
  auto take = [&bytes](int32_t size, void** data, size_t* taken) {
    if (size >= 0) {
      *data = bytes;
      *taken = size;
      bytes += size;
    }
  };
  for (size_t i = 0; i < count; i++) {
    const int32_t* field = fields + kFields * i;
    take(field[0], &messages[i].key, &messages[i].key_len);
    take(field[1], &messages[i].payload, &messages[i].len);
    messages[i]._private = reinterpret_cast<void*>(static_cast<uintptr_t>(field[2]));
    messages[i].err = RD_KAFKA_RESP_ERR__STATE;
  }
  return messages;
}

}  // namespace

// Returns how many of count records were refused; each one's error code is written to its fields. Keys and values are copied.
// Throws when lengths don't fit the buffer: nothing is produced then.
NAN_METHOD(ProduceMany) {
  if (info.Length() < 4 || !info[0]->IsString() || !node::Buffer::HasInstance(info[1]) || !info[2]->IsInt32Array() ||
      !info[3]->IsUint32()) {
    return Nan::ThrowTypeError("produceMany needs a topic, a Buffer, an Int32Array and a count");
  }
  Nan::Utf8String topic(info[0]);
  Nan::TypedArrayContents<int32_t> array(info[2]);
  int32_t* fields = *array;
  const size_t count = std::min<size_t>(Nan::To<uint32_t>(info[3]).FromJust(), array.length() / kFields);
  if (!FitsIn(node::Buffer::Length(info[1]), fields, count)) {
    return Nan::ThrowRangeError("produceMany: a key or value reaches beyond the buffer");
  }
  std::vector<rd_kafka_message_t> messages = MessagesOf(node::Buffer::Data(info[1]), fields, count);
  {
    HeldClient client = HeldClient::Now(Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This()));
    rd_kafka_topic_t* rkt = client.rk() == NULL ? NULL : rd_kafka_topic_new(client.rk(), *topic, NULL);
    if (rkt != NULL) {
      rd_kafka_produce_batch(rkt, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, messages.data(), count);
      rd_kafka_topic_destroy(rkt);
    }
  }
  size_t refused = 0;
  for (size_t i = 0; i < count; i++) {
    fields[kFields * i + 3] = messages[i].err;
    refused += messages[i].err != RD_KAFKA_RESP_ERR_NO_ERROR;
  }
  info.GetReturnValue().Set(Nan::New<v8::Number>(refused));
}

// Records and delivery reports that librdkafka still holds; 0 when the client is closed.
NAN_METHOD(OutqLen) {
  HeldClient client = HeldClient::Now(Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This()));
  info.GetReturnValue().Set(client.rk() == NULL ? 0 : rd_kafka_outq_len(client.rk()));
}

// Memory that records take which are not delivered yet; 0 when the client is closed.
NAN_METHOD(OutqBytes) {
  HeldClient client = HeldClient::Now(Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This()));
  const double bytes = client.rk() == NULL ? 0 : static_cast<double>(rd_kafka_outq_bytes(client.rk()));
  info.GetReturnValue().Set(Nan::New<v8::Number>(bytes));
}

// Gives up what is not delivered: each record is reported as failed.
NAN_METHOD(Purge) {
  HeldClient client = HeldClient::Now(Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This()));
  if (client.rk() != NULL) {
    // The event loop does not wait for broker threads, which may be looking a name up.
    rd_kafka_purge(client.rk(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
  }
}

}  // namespace Rafka
