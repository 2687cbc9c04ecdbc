// Lists of partitions between JavaScript and librdkafka.
#ifndef NATIVE_PARTITIONS_H_
#define NATIVE_PARTITIONS_H_

#include <nan.h>

#include <memory>

#include "rdkafka.h"  // NOLINT

namespace Rafka {

struct DestroyPartitions {
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
};

typedef std::unique_ptr<rd_kafka_topic_partition_list_t, DestroyPartitions> Partitions;

// Of an array of { topic, partition, offset?, metadata? }. NULL when it is none.
Partitions PartitionsOf(v8::Local<v8::Value> array);

}  // namespace Rafka

#endif  // NATIVE_PARTITIONS_H_
