// Is the gateway alive? PINGs it where RAFKA_RESP_PORT (else 6380) says; exit code 0 when it answers. The image's HEALTHCHECK.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const { RAFKA_RESP_HOST: host, RAFKA_RESP_PORT = '', RAFKA_PASSWORD, RAFKA_RESP_REQUIREPASS } = process.env;
// For a Service named rafka-resp Kubernetes sets a URL there.
const port = /^\d+$/.test(RAFKA_RESP_PORT) ? RAFKA_RESP_PORT : '6380';
const password = RAFKA_PASSWORD ?? RAFKA_RESP_REQUIREPASS;
// Whose certificate it is does not matter here: the question is whether somebody answers.
const open = process.env.RAFKA_RESP_TLS_CERT_FILE ? (at) => connectTls({ ...at, rejectUnauthorized: false }) : connect;
const anyAddress = host === undefined || host === '0.0.0.0' || host === '::';
const socket = open({ host: anyAddress ? '127.0.0.1' : host, port: Number(port) });

socket.setTimeout(3000, () => fail('no answer within 3 s'));
socket.on('error', (error) => fail(error.message));
socket.on('close', () => fail('it hung up'));
socket.write(password ? `${command('AUTH', password)}${command('PING')}` : command('PING'));
let answer = '';
socket.on('data', (chunk) => {
  answer += chunk;
  // Asked for a password that we don't know, it is alive all the same.
  if (answer.includes('+PONG\r\n') || answer.startsWith('-NOAUTH')) process.exit(0);
  if (answer.startsWith('-') && answer.endsWith('\r\n')) fail(answer.trim());
});

function command(...words) {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

function fail(why) {
  console.error(`rafka does not answer PING: ${why}`);
  process.exit(1);
}
