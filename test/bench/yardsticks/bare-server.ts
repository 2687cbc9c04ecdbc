// Yardstick E: a bare Node TCP server that answers `:1` to each read without parsing: the floor of any Node server.
import { createServer } from 'node:net';

const answer = Buffer.from(':1\r\n');
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(answer));
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as { port: number }).port })));
