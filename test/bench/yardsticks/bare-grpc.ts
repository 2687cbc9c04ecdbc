// Yardstick G: a bare grpc-js server that answers Produce at once: what a gRPC server costs without Kafka.
import { join } from 'node:path';
import { type handleUnaryCall, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const proto = join(import.meta.dirname, '../../../src/grpc/kafkapixy.proto');
const service = loadSync(proto, { keepCase: true, longs: Number }).KafkaPixy as unknown as ServiceDefinition;
const produce: handleUnaryCall<object, object> = (_call, answer) => answer(null, { partition: -1, offset: -1 });
const server = new Server();
server.addService({ Produce: service.Produce! } as ServiceDefinition, { Produce: produce });
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(JSON.stringify({ port }));
});
