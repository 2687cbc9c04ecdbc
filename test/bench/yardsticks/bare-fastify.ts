// Yardstick F: a bare fastify that reads a body and answers `{}`: what a REST server costs without Kafka.
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';

const app = fastify({ logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser('text/plain', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.post('/topics/:topic/messages', (_request, reply) => {
  reply.header('content-type', 'application/json').send('{}');
});
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(JSON.stringify({ port: (app.server.address() as AddressInfo).port }));
