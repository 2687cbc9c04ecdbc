// Worker: a call of librdkafka that waits, on a thread of libuv's pool. The callback gets an error object or null, then the results.
#ifndef NATIVE_WORKER_H_
#define NATIVE_WORKER_H_

#include <string>

#include "src/workers.h"

namespace Rafka {

class Worker : public NodeKafka::Workers::ErrorAwareWorker {
 public:
  explicit Worker(v8::Local<v8::Value> callback)
      : ErrorAwareWorker(new Nan::Callback(callback.As<v8::Function>())) {}

  void HandleOKCallback() override {
    Nan::HandleScope scope;
    v8::Local<v8::Value> argv[1] = {Nan::Null()};
    Nan::Call(*callback, 1, argv);
  }

  void HandleErrorCallback() override {
    Nan::HandleScope scope;
    v8::Local<v8::Value> argv[1] = {GetErrorObject()};
    Nan::Call(*callback, 1, argv);
  }

 protected:
  // An empty text: librdkafka's text of the code.
  void Fail(rd_kafka_resp_err_t code, const std::string& text = "") {
    const RdKafka::ErrorCode err = static_cast<RdKafka::ErrorCode>(code);
    SetErrorBaton(text.empty() ? NodeKafka::Baton(err) : NodeKafka::Baton(err, text));
  }
};

}  // namespace Rafka

#endif  // NATIVE_WORKER_H_
