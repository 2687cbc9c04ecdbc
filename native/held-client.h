// HeldClient: a client's librdkafka handle that cannot be closed while it is held.
#ifndef NATIVE_HELD_CLIENT_H_
#define NATIVE_HELD_CLIENT_H_

#include "src/connection.h"

namespace Rafka {

class HeldClient {
 public:
  // For threads of the pool: waits while another thread opens or closes the client.
  static HeldClient Wait(NodeKafka::Connection* connection) {
    uv_rwlock_rdlock(&connection->Lock());
    return HeldClient(connection, true);
  }

  // For the event loop, which must not wait for a client that closes: that client counts as closed already.
  static HeldClient Now(NodeKafka::Connection* connection) {
    return HeldClient(connection, uv_rwlock_tryrdlock(&connection->Lock()) == 0);
  }

  ~HeldClient() {
    if (locked_) {
      uv_rwlock_rdunlock(&connection_->Lock());
    }
  }

  HeldClient(const HeldClient&) = delete;
  HeldClient& operator=(const HeldClient&) = delete;

  // NULL when the client is closed.
  RdKafka::Handle* handle() const {
    return locked_ && connection_->IsConnected() ? connection_->GetClient() : NULL;
  }

  // NULL when the client is closed.
  rd_kafka_t* rk() const {
    RdKafka::Handle* open = handle();
    return open == NULL ? NULL : open->c_ptr();
  }

 private:
  HeldClient(NodeKafka::Connection* connection, bool locked) : connection_(connection), locked_(locked) {}

  NodeKafka::Connection* connection_;
  bool locked_;
};

}  // namespace Rafka

#endif  // NATIVE_HELD_CLIENT_H_
