// librdkafka's Admin API, as methods of Producer: each takes its arguments, a time-out in ms and a callback, waits on a thread of
// libuv's pool, and calls back with the answer as JSON. src/kafka/admin/admin.ts has the shapes.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "native/held-client.h"
#include "native/json.h"
#include "native/methods.h"
#include "native/partitions.h"
#include "native/worker.h"
#include "src/producer.h"

namespace Rafka {

namespace {

// What librdkafka's own deadline is given to answer in before the call is given up.
const int kGraceMs = 1000;

typedef std::function<void(rd_kafka_t*, rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)> Request;
typedef std::function<void(rd_kafka_event_t*, Json*)> Answer;

class AdminWorker : public Worker {
 public:
  // broker: the id of the one to ask; -1: librdkafka chooses.
  AdminWorker(v8::Local<v8::Value> callback, NodeKafka::Connection* connection, int timeout_ms, rd_kafka_admin_op_t op,
              Request request, Answer answer, int broker)
      : Worker(callback),
        connection_(connection),
        timeout_ms_(timeout_ms),
        op_(op),
        request_(std::move(request)),
        answer_(std::move(answer)),
        broker_(broker) {}

  void Execute() override {
    HeldClient client = HeldClient::Wait(connection_);
    if (client.rk() == NULL) {
      return Fail(RD_KAFKA_RESP_ERR__STATE);
    }
    char text[256] = "";
    rd_kafka_AdminOptions_t* options = rd_kafka_AdminOptions_new(client.rk(), op_);
    rd_kafka_resp_err_t refused =
        rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms_, text, sizeof(text));
    if (refused == RD_KAFKA_RESP_ERR_NO_ERROR && broker_ >= 0) {
      refused = rd_kafka_AdminOptions_set_broker(options, broker_, text, sizeof(text));
    }
    if (refused != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Fail(refused, text);
    } else {
      Ask(client.rk(), options);
    }
    rd_kafka_AdminOptions_destroy(options);
  }

  void HandleOKCallback() override {
    Nan::HandleScope scope;
    const std::string& json = json_.text();
    v8::Local<v8::String> text;
    // (Nan's own call ends the process from 2 GiB on.)
    if (json.size() > v8::String::kMaxLength || !Nan::New<v8::String>(json).ToLocal(&text)) {
      Fail(RD_KAFKA_RESP_ERR__FAIL, "the answer is too long");
      return HandleErrorCallback();
    }
    v8::Local<v8::Value> argv[2] = {Nan::Null(), text};
    Nan::Call(*callback, 2, argv);
  }

 private:
  void Ask(rd_kafka_t* rk, rd_kafka_AdminOptions_t* options) {
    rd_kafka_queue_t* queue = rd_kafka_queue_new(rk);
    request_(rk, options, queue);
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue, timeout_ms_ + kGraceMs);
    if (event == NULL) {
      Fail(RD_KAFKA_RESP_ERR__TIMED_OUT);
    } else {
      if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char* text = rd_kafka_event_error_string(event);
        Fail(rd_kafka_event_error(event), text == NULL ? "" : text);
      } else {
        answer_(event, &json_);
      }
      rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
  }

  NodeKafka::Connection* connection_;
  const int timeout_ms_;
  const rd_kafka_admin_op_t op_;
  const Request request_;
  const Answer answer_;
  const int broker_;
  Json json_;
};

typedef Nan::NAN_METHOD_ARGS_TYPE Arguments;

// Starts a call whose last two arguments are the time-out and the callback.
void Start(Arguments info, rd_kafka_admin_op_t op, Request request, Answer answer, int broker = -1) {
  const int timeout_at = info.Length() - 2;
  if (timeout_at < 0 || !info[timeout_at]->IsNumber() || !info[timeout_at + 1]->IsFunction()) {
    return Nan::ThrowTypeError("the last two arguments are a time-out and a callback");
  }
  NodeKafka::Connection* connection = Nan::ObjectWrap::Unwrap<NodeKafka::Producer>(info.This());
  Nan::AsyncQueueWorker(new AdminWorker(info[timeout_at + 1], connection,
                                        Nan::To<int32_t>(info[timeout_at]).FromJust(), op, std::move(request),
                                        std::move(answer), broker));
}

// Of an array of strings; what is no string is left out.
std::vector<std::string> StringsOf(v8::Local<v8::Value> value) {
  std::vector<std::string> strings;
  if (!value->IsArray()) {
    return strings;
  }
  v8::Local<v8::Array> array = value.As<v8::Array>();
  for (uint32_t i = 0; i < array->Length(); i++) {
    v8::Local<v8::Value> entry = Nan::Get(array, i).FromMaybe(v8::Local<v8::Value>(Nan::Undefined()));
    if (entry->IsString()) {
      Nan::Utf8String text(entry);
      strings.emplace_back(*text, text.length());
    }
  }
  return strings;
}

std::vector<const char*> PointersOf(const std::vector<std::string>& strings) {
  std::vector<const char*> pointers;
  for (const std::string& string : strings) {
    pointers.push_back(string.c_str());
  }
  return pointers;
}

std::string StringOf(v8::Local<v8::Value> value) {
  Nan::Utf8String text(value);
  return std::string(*text == NULL ? "" : *text, text.length());
}

// "error": null, or its code and text.
void WriteError(Json* json, rd_kafka_resp_err_t code, const char* text) {
  json->Key("error");
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    json->String(NULL);
    return;
  }
  json->Begin('{').Key("code").Number(code);
  json->Key("message").String(text == NULL ? rd_kafka_err2str(code) : text).End('}');
}

void WriteError(Json* json, const rd_kafka_error_t* error) {
  WriteError(json, error == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error),
             error == NULL ? NULL : rd_kafka_error_string(error));
}

void WritePartition(Json* json, const rd_kafka_topic_partition_t& at) {
  json->Begin('{').Key("topic").String(at.topic).Key("partition").Number(at.partition);
  json->Key("offset").Number(at.offset);
  json->Key("metadata").String(static_cast<const char*>(at.metadata), at.metadata == NULL ? 0 : at.metadata_size);
  WriteError(json, at.err, NULL);
  json->End('}');
}

void WritePartitions(Json* json, const rd_kafka_topic_partition_list_t* list) {
  json->Begin('[');
  for (int i = 0; list != NULL && i < list->cnt; i++) {
    WritePartition(json, list->elems[i]);
  }
  json->End(']');
}

// Lists of results have NULL in place of what the broker's answer lacks.
void WriteTopics(Json* json, const rd_kafka_topic_result_t** topics, size_t count) {
  json->Begin('[');
  for (size_t i = 0; i < count; i++) {
    if (topics[i] == NULL) {
      continue;
    }
    json->Begin('{').Key("topic").String(rd_kafka_topic_result_name(topics[i]));
    WriteError(json, rd_kafka_topic_result_error(topics[i]), rd_kafka_topic_result_error_string(topics[i]));
    json->End('}');
  }
  json->End(']');
}

void WriteGroups(Json* json, const rd_kafka_group_result_t** groups, size_t count) {
  json->Begin('[');
  for (size_t i = 0; i < count; i++) {
    if (groups[i] == NULL) {
      continue;
    }
    json->Begin('{').Key("group").String(rd_kafka_group_result_name(groups[i]));
    WriteError(json, rd_kafka_group_result_error(groups[i]));
    json->Key("partitions");
    WritePartitions(json, rd_kafka_group_result_partitions(groups[i]));
    json->End('}');
  }
  json->End(']');
}

// createTopic(name, partitions, replicationFactor, [key, value, ...], timeoutMs, callback); -1: the brokers' default.
NAN_METHOD(CreateTopic) {
  const std::string name = StringOf(info[0]);
  const int partitions = Nan::To<int32_t>(info[1]).FromMaybe(-1);
  const int replicas = Nan::To<int32_t>(info[2]).FromMaybe(-1);
  const std::vector<std::string> config = StringsOf(info[3]);
  char text[256] = "";
  std::shared_ptr<rd_kafka_NewTopic_t> topic(
      rd_kafka_NewTopic_new(name.c_str(), partitions, replicas, text, sizeof(text)),
      [](rd_kafka_NewTopic_t* made) { if (made != NULL) rd_kafka_NewTopic_destroy(made); });
  if (topic == NULL) {
    return Nan::ThrowError(text);
  }
  for (size_t i = 0; i + 1 < config.size(); i += 2) {
    rd_kafka_NewTopic_set_config(topic.get(), config[i].c_str(), config[i + 1].c_str());
  }
  Start(
      info, RD_KAFKA_ADMIN_OP_CREATETOPICS,
      [topic](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_NewTopic_t* topics[1] = {topic.get()};
        rd_kafka_CreateTopics(rk, topics, 1, options, queue);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const auto* result = rd_kafka_event_CreateTopics_result(event);
        const rd_kafka_topic_result_t** topics = rd_kafka_CreateTopics_result_topics(result, &count);
        WriteTopics(json, topics, count);
      });
}

// validateTopic(name, timeoutMs, callback): createTopic() of one partition that changes nothing.
NAN_METHOD(ValidateTopic) {
  const std::string name = StringOf(info[0]);
  Start(
      info, RD_KAFKA_ADMIN_OP_CREATETOPICS,
      [name](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        char text[256] = "";
        rd_kafka_AdminOptions_set_validate_only(options, 1, text, sizeof(text));
        rd_kafka_NewTopic_t* topics[1] = {rd_kafka_NewTopic_new(name.c_str(), 1, 1, text, sizeof(text))};
        rd_kafka_CreateTopics(rk, topics, 1, options, queue);
        rd_kafka_NewTopic_destroy(topics[0]);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const auto* result = rd_kafka_event_CreateTopics_result(event);
        const rd_kafka_topic_result_t** topics = rd_kafka_CreateTopics_result_topics(result, &count);
        WriteTopics(json, topics, count);
      });
}

// deleteTopic(name, timeoutMs, callback)
NAN_METHOD(DeleteTopic) {
  const std::string name = StringOf(info[0]);
  Start(
      info, RD_KAFKA_ADMIN_OP_DELETETOPICS,
      [name](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_DeleteTopic_t* topics[1] = {rd_kafka_DeleteTopic_new(name.c_str())};
        rd_kafka_DeleteTopics(rk, topics, 1, options, queue);
        rd_kafka_DeleteTopic_destroy(topics[0]);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const auto* result = rd_kafka_event_DeleteTopics_result(event);
        const rd_kafka_topic_result_t** topics = rd_kafka_DeleteTopics_result_topics(result, &count);
        WriteTopics(json, topics, count);
      });
}

// createPartitions(topic, total, timeoutMs, callback)
NAN_METHOD(CreatePartitions) {
  const std::string name = StringOf(info[0]);
  const size_t total = Nan::To<uint32_t>(info[1]).FromMaybe(0);
  char text[256] = "";
  std::shared_ptr<rd_kafka_NewPartitions_t> partitions(
      rd_kafka_NewPartitions_new(name.c_str(), total, text, sizeof(text)),
      [](rd_kafka_NewPartitions_t* made) { if (made != NULL) rd_kafka_NewPartitions_destroy(made); });
  if (partitions == NULL) {
    return Nan::ThrowError(text);
  }
  Start(
      info, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS,
      [partitions](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_NewPartitions_t* list[1] = {partitions.get()};
        rd_kafka_CreatePartitions(rk, list, 1, options, queue);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const auto* result = rd_kafka_event_CreatePartitions_result(event);
        const rd_kafka_topic_result_t** topics = rd_kafka_CreatePartitions_result_topics(result, &count);
        WriteTopics(json, topics, count);
      });
}

// A call whose first argument is a list of partitions.
std::shared_ptr<rd_kafka_topic_partition_list_t> SharedPartitions(v8::Local<v8::Value> value) {
  Partitions list = PartitionsOf(value);
  if (list == NULL) {
    Nan::ThrowTypeError("an array of { topic, partition, offset } is needed");
    return NULL;
  }
  return std::shared_ptr<rd_kafka_topic_partition_list_t>(std::move(list));
}

// deleteRecords([{ topic, partition, offset }], timeoutMs, callback): those below the offsets.
NAN_METHOD(DeleteRecords) {
  auto list = SharedPartitions(info[0]);
  if (list == NULL) {
    return;
  }
  Start(
      info, RD_KAFKA_ADMIN_OP_DELETERECORDS,
      [list](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_DeleteRecords_t* records[1] = {rd_kafka_DeleteRecords_new(list.get())};
        rd_kafka_DeleteRecords(rk, records, 1, options, queue);
        rd_kafka_DeleteRecords_destroy(records[0]);
      },
      [](rd_kafka_event_t* event, Json* json) {
        WritePartitions(json, rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event)));
      });
}

// listOffsets([{ topic, partition, offset: -2 oldest, -1 next, or ms }], timeoutMs, callback)
NAN_METHOD(ListOffsets) {
  auto list = SharedPartitions(info[0]);
  if (list == NULL) {
    return;
  }
  Start(
      info, RD_KAFKA_ADMIN_OP_LISTOFFSETS,
      [list](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_ListOffsets(rk, list.get(), options, queue);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const rd_kafka_ListOffsetsResultInfo_t** infos =
            rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event), &count);
        json->Begin('[');
        for (size_t i = 0; i < count; i++) {
          WritePartition(json, *rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]));
        }
        json->End(']');
      });
}

void WriteNodes(Json* json, const rd_kafka_Node_t** nodes, size_t count) {
  json->Begin('[');
  for (size_t i = 0; i < count; i++) {
    json->Number(rd_kafka_Node_id(nodes[i]));
  }
  json->End(']');
}

void WriteTopic(Json* json, const rd_kafka_TopicDescription_t* topic) {
  const rd_kafka_Uuid_t* id = rd_kafka_TopicDescription_topic_id(topic);
  json->Begin('{').Key("topic").String(rd_kafka_TopicDescription_name(topic));
  // Without an id before Kafka 2.8.
  json->Key("id").String(id == NULL ? NULL : rd_kafka_Uuid_base64str(id));
  WriteError(json, rd_kafka_TopicDescription_error(topic));
  size_t count;
  const rd_kafka_TopicPartitionInfo_t** partitions = rd_kafka_TopicDescription_partitions(topic, &count);
  json->Key("partitions").Begin('[');
  for (size_t i = 0; i < count; i++) {
    const rd_kafka_Node_t* leader = rd_kafka_TopicPartitionInfo_leader(partitions[i]);
    size_t nodes;
    json->Begin('{').Key("partition").Number(rd_kafka_TopicPartitionInfo_partition(partitions[i]));
    json->Key("leader").Number(leader == NULL ? -1 : rd_kafka_Node_id(leader));
    const rd_kafka_Node_t** replicas = rd_kafka_TopicPartitionInfo_replicas(partitions[i], &nodes);
    json->Key("replicas");
    WriteNodes(json, replicas, nodes);
    const rd_kafka_Node_t** isrs = rd_kafka_TopicPartitionInfo_isr(partitions[i], &nodes);
    json->Key("isrs");
    WriteNodes(json, isrs, nodes);
    json->End('}');
  }
  json->End(']').End('}');
}

// describeTopics([name], broker, timeoutMs, callback): as the broker with this id knows them; -1: the controller.
NAN_METHOD(DescribeTopics) {
  const std::vector<std::string> names = StringsOf(info[0]);
  const int broker = Nan::To<int32_t>(info[1]).FromMaybe(-1);
  Start(
      info, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
      [names](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        std::vector<const char*> pointers = PointersOf(names);
        rd_kafka_TopicCollection_t* topics =
            rd_kafka_TopicCollection_of_topic_names(pointers.data(), pointers.size());
        rd_kafka_DescribeTopics(rk, topics, options, queue);
        rd_kafka_TopicCollection_destroy(topics);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const rd_kafka_TopicDescription_t** topics =
            rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &count);
        json->Begin('[');
        for (size_t i = 0; i < count; i++) {
          if (topics[i] != NULL) {
            WriteTopic(json, topics[i]);
          }
        }
        json->End(']');
      },
      broker);
}

// describeCluster(broker, timeoutMs, callback): as the broker with this id knows it; -1: the controller.
NAN_METHOD(DescribeCluster) {
  const int broker = Nan::To<int32_t>(info[0]).FromMaybe(-1);
  Start(
      info, RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER,
      [](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_DescribeCluster(rk, options, queue);
      },
      [](rd_kafka_event_t* event, Json* json) {
        const rd_kafka_DescribeCluster_result_t* result = rd_kafka_event_DescribeCluster_result(event);
        const rd_kafka_Node_t* controller = rd_kafka_DescribeCluster_result_controller(result);
        size_t count;
        const rd_kafka_Node_t** nodes = rd_kafka_DescribeCluster_result_nodes(result, &count);
        json->Begin('{').Key("clusterId").String(rd_kafka_DescribeCluster_result_cluster_id(result));
        json->Key("controller").Number(controller == NULL ? -1 : rd_kafka_Node_id(controller));
        json->Key("brokers").Begin('[');
        for (size_t i = 0; i < count; i++) {
          json->Begin('{').Key("id").Number(rd_kafka_Node_id(nodes[i]));
          json->Key("host").String(rd_kafka_Node_host(nodes[i]));
          json->Key("port").Number(rd_kafka_Node_port(nodes[i])).End('}');
        }
        json->End(']').End('}');
      },
      broker);
}

struct ConfigResources {
  std::vector<rd_kafka_ConfigResource_t*> list;
  ~ConfigResources() { rd_kafka_ConfigResource_destroy_array(list.data(), list.size()); }
};

// describeConfigs([topic], broker, timeoutMs, callback): as the broker with this id knows them; -1: the controller.
NAN_METHOD(DescribeConfigs) {
  const int broker = Nan::To<int32_t>(info[1]).FromMaybe(-1);
  auto resources = std::make_shared<ConfigResources>();
  for (const std::string& name : StringsOf(info[0])) {
    rd_kafka_ConfigResource_t* resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str());
    if (resource == NULL) {
      return Nan::ThrowTypeError("a topic's name is empty");
    }
    resources->list.push_back(resource);
  }
  Start(
      info, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
      [resources](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_DescribeConfigs(rk, resources->list.data(), resources->list.size(), options, queue);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const rd_kafka_ConfigResource_t** found =
            rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
        json->Begin('[');
        for (size_t i = 0; i < count; i++) {
          if (found[i] == NULL) {
            continue;
          }
          size_t entries;
          const rd_kafka_ConfigEntry_t** configs = rd_kafka_ConfigResource_configs(found[i], &entries);
          json->Begin('{').Key("topic").String(rd_kafka_ConfigResource_name(found[i]));
          WriteError(json, rd_kafka_ConfigResource_error(found[i]), rd_kafka_ConfigResource_error_string(found[i]));
          json->Key("configs").Begin('[');
          for (size_t j = 0; j < entries; j++) {
            json->Begin('{').Key("name").String(rd_kafka_ConfigEntry_name(configs[j]));
            json->Key("value").String(rd_kafka_ConfigEntry_value(configs[j]));
            json->Key("overridden")
                .Bool(rd_kafka_ConfigEntry_source(configs[j]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
                .End('}');
          }
          json->End(']').End('}');
        }
        json->End(']');
      },
      broker);
}

// listGroups(timeoutMs, callback): what brokers could not be asked stands in `errors`.
NAN_METHOD(ListGroups) {
  Start(
      info, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS,
      [](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_ListConsumerGroups(rk, options, queue);
      },
      [](rd_kafka_event_t* event, Json* json) {
        const rd_kafka_ListConsumerGroups_result_t* result = rd_kafka_event_ListConsumerGroups_result(event);
        size_t count;
        const rd_kafka_ConsumerGroupListing_t** groups = rd_kafka_ListConsumerGroups_result_valid(result, &count);
        json->Begin('{').Key("groups").Begin('[');
        for (size_t i = 0; i < count; i++) {
          json->String(rd_kafka_ConsumerGroupListing_group_id(groups[i]));
        }
        json->End(']').Key("errors").Begin('[');
        const rd_kafka_error_t** errors = rd_kafka_ListConsumerGroups_result_errors(result, &count);
        for (size_t i = 0; i < count; i++) {
          json->Begin('{');
          WriteError(json, errors[i]);
          json->End('}');
        }
        json->End(']').End('}');
      });
}

void WriteGroup(Json* json, const rd_kafka_ConsumerGroupDescription_t* group) {
  json->Begin('{').Key("group").String(rd_kafka_ConsumerGroupDescription_group_id(group));
  WriteError(json, rd_kafka_ConsumerGroupDescription_error(group));
  json->Key("state").String(
      rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(group)));
  json->Key("members").Begin('[');
  const size_t count = rd_kafka_ConsumerGroupDescription_member_count(group);
  for (size_t i = 0; i < count; i++) {
    const rd_kafka_MemberDescription_t* member = rd_kafka_ConsumerGroupDescription_member(group, i);
    const rd_kafka_MemberAssignment_t* assignment = rd_kafka_MemberDescription_assignment(member);
    json->Begin('{').Key("memberId").String(rd_kafka_MemberDescription_consumer_id(member));
    json->Key("clientId").String(rd_kafka_MemberDescription_client_id(member));
    json->Key("host").String(rd_kafka_MemberDescription_host(member));
    json->Key("partitions");
    WritePartitions(json, assignment == NULL ? NULL : rd_kafka_MemberAssignment_partitions(assignment));
    json->End('}');
  }
  json->End(']').End('}');
}

// describeGroups([group], timeoutMs, callback): of the classic protocol and of Kafka 4's.
NAN_METHOD(DescribeGroups) {
  const std::vector<std::string> names = StringsOf(info[0]);
  Start(
      info, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
      [names](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        std::vector<const char*> pointers = PointersOf(names);
        rd_kafka_DescribeConsumerGroups(rk, pointers.data(), pointers.size(), options, queue);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const rd_kafka_ConsumerGroupDescription_t** groups = rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(event), &count);
        json->Begin('[');
        for (size_t i = 0; i < count; i++) {
          if (groups[i] != NULL) {
            WriteGroup(json, groups[i]);
          }
        }
        json->End(']');
      });
}

// groupOffsets(group, [{ topic, partition }], timeoutMs, callback): committed offsets; a negative one other than -1 and -2: none.
NAN_METHOD(GroupOffsets) {
  const std::string group = StringOf(info[0]);
  auto list = SharedPartitions(info[1]);
  if (list == NULL) {
    return;
  }
  Start(
      info, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
      [group, list](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_ListConsumerGroupOffsets_t* asked[1] = {
            rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get())};
        rd_kafka_ListConsumerGroupOffsets(rk, asked, 1, options, queue);
        rd_kafka_ListConsumerGroupOffsets_destroy(asked[0]);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const rd_kafka_group_result_t** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
        WriteGroups(json, groups, count);
      });
}

// commitGroupOffsets(group, [{ topic, partition, offset, metadata }], timeoutMs, callback): of a group without members.
NAN_METHOD(CommitGroupOffsets) {
  const std::string group = StringOf(info[0]);
  auto list = SharedPartitions(info[1]);
  if (list == NULL) {
    return;
  }
  Start(
      info, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS,
      [group, list](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_AlterConsumerGroupOffsets_t* altered[1] = {
            rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get())};
        rd_kafka_AlterConsumerGroupOffsets(rk, altered, 1, options, queue);
        rd_kafka_AlterConsumerGroupOffsets_destroy(altered[0]);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const rd_kafka_group_result_t** groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
            rd_kafka_event_AlterConsumerGroupOffsets_result(event), &count);
        WriteGroups(json, groups, count);
      });
}

// deleteGroupOffsets(group, [{ topic, partition }], timeoutMs, callback)
NAN_METHOD(DeleteGroupOffsets) {
  const std::string group = StringOf(info[0]);
  auto list = SharedPartitions(info[1]);
  if (list == NULL) {
    return;
  }
  Start(
      info, RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS,
      [group, list](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_DeleteConsumerGroupOffsets_t* deleted[1] = {
            rd_kafka_DeleteConsumerGroupOffsets_new(group.c_str(), list.get())};
        rd_kafka_DeleteConsumerGroupOffsets(rk, deleted, 1, options, queue);
        rd_kafka_DeleteConsumerGroupOffsets_destroy(deleted[0]);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const rd_kafka_group_result_t** groups = rd_kafka_DeleteConsumerGroupOffsets_result_groups(
            rd_kafka_event_DeleteConsumerGroupOffsets_result(event), &count);
        WriteGroups(json, groups, count);
      });
}

// deleteGroup(group, timeoutMs, callback): of a group without members.
NAN_METHOD(DeleteGroup) {
  const std::string group = StringOf(info[0]);
  Start(
      info, RD_KAFKA_ADMIN_OP_DELETEGROUPS,
      [group](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_DeleteGroup_t* deleted[1] = {rd_kafka_DeleteGroup_new(group.c_str())};
        rd_kafka_DeleteGroups(rk, deleted, 1, options, queue);
        rd_kafka_DeleteGroup_destroy(deleted[0]);
      },
      [](rd_kafka_event_t* event, Json* json) {
        size_t count;
        const rd_kafka_group_result_t** groups =
            rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &count);
        WriteGroups(json, groups, count);
      });
}

}  // namespace

void AddAdminMethods(v8::Local<v8::FunctionTemplate> producer) {
  Nan::SetPrototypeMethod(producer, "createTopic", CreateTopic);
  Nan::SetPrototypeMethod(producer, "validateTopic", ValidateTopic);
  Nan::SetPrototypeMethod(producer, "deleteTopic", DeleteTopic);
  Nan::SetPrototypeMethod(producer, "createPartitions", CreatePartitions);
  Nan::SetPrototypeMethod(producer, "deleteRecords", DeleteRecords);
  Nan::SetPrototypeMethod(producer, "listOffsets", ListOffsets);
  Nan::SetPrototypeMethod(producer, "describeTopics", DescribeTopics);
  Nan::SetPrototypeMethod(producer, "describeCluster", DescribeCluster);
  Nan::SetPrototypeMethod(producer, "describeConfigs", DescribeConfigs);
  Nan::SetPrototypeMethod(producer, "listGroups", ListGroups);
  Nan::SetPrototypeMethod(producer, "describeGroups", DescribeGroups);
  Nan::SetPrototypeMethod(producer, "groupOffsets", GroupOffsets);
  Nan::SetPrototypeMethod(producer, "commitGroupOffsets", CommitGroupOffsets);
  Nan::SetPrototypeMethod(producer, "deleteGroupOffsets", DeleteGroupOffsets);
  Nan::SetPrototypeMethod(producer, "deleteGroup", DeleteGroup);
}

}  // namespace Rafka
