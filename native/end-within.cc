// endWithin(code, ms): ends the process then, if it has not ended. Node waits for the threads of libuv's pool when it ends, and
// one that closes a consumer whose brokers are gone may never come back.
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <memory>

#include "native/methods.h"

namespace Rafka {

namespace {

struct Ending {
  int code;
  int ms;
};

void* End(void* argument) {
  const std::unique_ptr<Ending> ending(static_cast<Ending*>(argument));
  const timespec wait = {ending->ms / 1000, ending->ms % 1000 * 1000000L};
  nanosleep(&wait, NULL);
  _exit(ending->code);
}

}  // namespace

// Returns false when no thread could be started: the process ends only by itself then.
NAN_METHOD(EndWithin) {
  if (!info[0]->IsNumber() || !info[1]->IsNumber()) {
    return Nan::ThrowTypeError("endWithin needs an exit code and milliseconds");
  }
  auto ending = std::make_unique<Ending>(Ending{Nan::To<int>(info[0]).FromJust(), Nan::To<int>(info[1]).FromJust()});
  pthread_t thread;
  const bool started = pthread_create(&thread, NULL, End, ending.get()) == 0;
  if (started) {
    ending.release();
    pthread_detach(thread);
  }
  info.GetReturnValue().Set(started);
}

}  // namespace Rafka
