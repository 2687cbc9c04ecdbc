// Our calls beside node-rdkafka's, compiled into its addon. Each file has one; patches/node-rdkafka/0001 calls these three.
#ifndef NATIVE_RAFKA_H_
#define NATIVE_RAFKA_H_

#include <nan.h>

namespace Rafka {

// The methods of Producer that node-rdkafka lacks.
void AddProducerMethods(v8::Local<v8::FunctionTemplate> producer);

// The methods of KafkaConsumer that node-rdkafka lacks.
void AddConsumerMethods(v8::Local<v8::FunctionTemplate> consumer);

// The functions of the addon itself.
void AddFunctions(v8::Local<v8::Object> exports);

}  // namespace Rafka

#endif  // NATIVE_RAFKA_H_
