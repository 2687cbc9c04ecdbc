// Reports: delivery reports as numbers, taken many at a time. The signal says that librdkafka has something to be polled for, or
// that a poll on another thread brought some (flush does that).
#ifndef NATIVE_REPORTS_H_
#define NATIVE_REPORTS_H_

#include <string>
#include <unordered_map>
#include <vector>

#include "src/callbacks.h"

namespace Rafka {

// Calls its callbacks without arguments.
class Signal : public NodeKafka::Callbacks::Dispatcher {
 public:
  void Flush() override;
};

class Reports {
 public:
  Reports();
  ~Reports();

  // Whether a callback was given: reports are gathered here then, and make no objects.
  bool wanted() { return signal.HasCallbacks(); }

  // The signal comes by itself from now on. NULL: the client is closed already.
  void Activate(RdKafka::Handle*);

  void Add(RdKafka::Message&);

  // Polls librdkafka, then moves at most max reports of kFields numbers each. Fewer than max: these were all.
  size_t PollAndTake(RdKafka::Handle*, double* into, size_t max);

  // The name behind a topic's index in a report; it stays the same.
  std::string TopicName(size_t index);

  // Of one report: tag, topic's index, partition, offset, timestamp, error.
  static const size_t kFields = 6;
  Signal signal;

 private:
  double TopicIndex(const char* name);

  uv_mutex_t lock_;
  std::vector<double> numbers_;
  size_t taken_ = 0;
  bool polling_ = false;
  std::vector<std::string> topics_;
  std::unordered_map<std::string, size_t> indexes_;
  size_t last_index_ = 0;
};

}  // namespace Rafka

#endif  // NATIVE_REPORTS_H_
