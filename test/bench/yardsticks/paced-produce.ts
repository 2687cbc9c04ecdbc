// Produces at a given rate over some connections of a RESP server: `node paced-produce.js PORT CONNECTIONS MESSAGES_A_SECOND`. Ends by a signal.
import { connect } from 'node:net';

const [port = 0, connections = 1, perSecond = 0] = process.argv.slice(2).map(Number);
const value = 'x'.repeat(100);
const command = `*3\r\n$6\r\nRPUSHX\r\n$12\r\ntopics:bench\r\n$${value.length}\r\n${value}\r\n`;
const everyMs = 5;

const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1' }).resume());
const startedAt = performance.now();
let sent = 0;
setInterval(() => {
  const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond) - sent;
  const each = Math.floor(due / connections);
  for (const socket of sockets) socket.write(command.repeat(each));
  sent += each * connections;
}, everyMs);
