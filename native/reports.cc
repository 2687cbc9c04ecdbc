// Delivery reports as numbers (reports.h), and the calls that bring them.
#include "native/reports.h"

#include <algorithm>

#include "native/held-client.h"
#include "native/methods.h"
#include "src/producer.h"

namespace Rafka {

using NodeKafka::scoped_mutex_lock;

namespace {

// What a burst took is given back.
const size_t kKeptNumbers = 65536;

}  // namespace

void Signal::Flush() {
  Nan::HandleScope scope;
  Dispatch(0, NULL);
}

Reports::Reports() {
  uv_mutex_init(&lock_);
}

Reports::~Reports() {
  uv_mutex_destroy(&lock_);
}

void Reports::Activate(RdKafka::Handle* handle) {
  if (handle == NULL) {
    return;
  }
  signal.Activate();
  rd_kafka_queue_t* queue = rd_kafka_queue_get_main(handle->c_ptr());
  rd_kafka_queue_cb_event_enable(
      queue, [](rd_kafka_t*, void* opaque) { static_cast<Signal*>(opaque)->Execute(); }, &signal);
  rd_kafka_queue_destroy(queue);
  // What came before got no signal.
  signal.Execute();
}

void Reports::Add(RdKafka::Message& message) {
  rd_kafka_message_t* m = message.c_ptr();
  rd_kafka_timestamp_type_t type;
  const int64_t timestamp = rd_kafka_message_timestamp(m, &type);
  bool wake;
  {
    scoped_mutex_lock lock(lock_);
    wake = numbers_.empty() && !polling_;
    numbers_.push_back(static_cast<double>(reinterpret_cast<uintptr_t>(message.msg_opaque())));
    numbers_.push_back(TopicIndex(m->rkt == NULL ? "" : rd_kafka_topic_name(m->rkt)));
    numbers_.push_back(m->partition);
    numbers_.push_back(static_cast<double>(m->offset));
    numbers_.push_back(type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1.0 : static_cast<double>(timestamp));
    numbers_.push_back(m->err);
  }
  if (wake) {
    signal.Execute();
  }
}

size_t Reports::PollAndTake(RdKafka::Handle* handle, double* into, size_t max) {
  {
    scoped_mutex_lock lock(lock_);
    polling_ = true;
  }
  if (handle != NULL) {
    handle->poll(0);
  }
  scoped_mutex_lock lock(lock_);
  polling_ = false;
  const size_t count = std::min(max, (numbers_.size() - taken_) / kFields);
  std::copy_n(numbers_.begin() + taken_, count * kFields, into);
  taken_ += count * kFields;
  if (taken_ == numbers_.size()) {
    if (numbers_.capacity() > kKeptNumbers) {
      std::vector<double>().swap(numbers_);
    }
    numbers_.clear();
    taken_ = 0;
  }
  return count;
}

std::string Reports::TopicName(size_t index) {
  scoped_mutex_lock lock(lock_);
  return index < topics_.size() ? topics_[index] : "";
}

// Neighbours are mostly of one topic.
double Reports::TopicIndex(const char* name) {
  if (last_index_ >= topics_.size() || topics_[last_index_] != name) {
    auto found = indexes_.emplace(name, topics_.size());
    if (found.second) {
      topics_.push_back(name);
    }
    last_index_ = found.first->second;
  }
  return static_cast<double>(last_index_);
}

// pollReports(Float64Array): returns how many reports were written to it; fewer than there is room for: it was all.
NAN_METHOD(PollReports) {
  if (!info[0]->IsFloat64Array()) {
    return Nan::ThrowTypeError("pollReports needs a Float64Array");
  }
  Nan::TypedArrayContents<double> into(info[0]);
  NodeKafka::Producer* producer = Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This());
  HeldClient client = HeldClient::Now(producer);
  const size_t count =
      producer->DeliveryReports().PollAndTake(client.handle(), *into, into.length() / Reports::kFields);
  info.GetReturnValue().Set(Nan::New<v8::Number>(count));
}

// reportTopic(index): the topic's name.
NAN_METHOD(ReportTopic) {
  NodeKafka::Producer* producer = Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This());
  const std::string name = producer->DeliveryReports().TopicName(Nan::To<uint32_t>(info[0]).FromMaybe(0));
  info.GetReturnValue().Set(Nan::New<v8::String>(name).ToLocalChecked());
}

}  // namespace Rafka
