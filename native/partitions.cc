// Lists of partitions between JavaScript and librdkafka.
#include "native/partitions.h"

#include <cstdlib>
#include <cstring>

namespace Rafka {

namespace {

v8::Local<v8::Value> Field(v8::Local<v8::Object> object, const char* name) {
  return Nan::Get(object, Nan::New(name).ToLocalChecked()).FromMaybe(v8::Local<v8::Value>(Nan::Undefined()));
}

}  // namespace

Partitions PartitionsOf(v8::Local<v8::Value> value) {
  if (!value->IsArray()) {
    return NULL;
  }
  v8::Local<v8::Array> array = value.As<v8::Array>();
  Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(array->Length())));
  for (uint32_t i = 0; i < array->Length(); i++) {
    v8::Local<v8::Value> entry = Nan::Get(array, i).FromMaybe(v8::Local<v8::Value>(Nan::Undefined()));
    if (!entry->IsObject()) {
      return NULL;
    }
    v8::Local<v8::Object> object = entry.As<v8::Object>();
    v8::Local<v8::Value> topic = Field(object, "topic");
    v8::Local<v8::Value> partition = Field(object, "partition");
    if (!topic->IsString() || !partition->IsNumber()) {
      return NULL;
    }
    rd_kafka_topic_partition_t* added =
        rd_kafka_topic_partition_list_add(list.get(), *Nan::Utf8String(topic), Nan::To<int32_t>(partition).FromJust());
    v8::Local<v8::Value> offset = Field(object, "offset");
    if (offset->IsNumber()) {
      added->offset = Nan::To<int64_t>(offset).FromJust();
    }
    v8::Local<v8::Value> metadata = Field(object, "metadata");
    if (metadata->IsString()) {
      Nan::Utf8String text(metadata);
      // The list frees it with rd_free(), which is free(). It may hold a NUL.
      added->metadata = malloc(text.length() + 1);
      memcpy(added->metadata, *text, text.length());
      added->metadata_size = text.length();
    }
  }
  return list;
}

}  // namespace Rafka
