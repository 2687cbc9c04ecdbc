// What CONFIG GET shows: this server's settings under Redis' names, and constants that clients look for. Never a secret.
import type { ServerView } from '../command/context.js';

const seconds = (ms: number): string => String(Math.ceil(ms / 1000));
const yesNo = (value: boolean): string => (value ? 'yes' : 'no');

/** All parameters by name, in alphabetical order. */
export function configParameters({ settings, port }: ServerView): ReadonlyMap<string, string> {
  const shown: Readonly<Record<string, string>> = {
    appendonly: 'no',
    bind: settings.host,
    'client-query-buffer-limit': String(settings.clientQueryBufferBytes),
    databases: String(settings.databases),
    maxclients: String(settings.maxClients),
    maxmemory: '0',
    'maxmemory-policy': 'noeviction',
    'notify-keyspace-events': '',
    port: String(port),
    'proto-max-bulk-len': String(settings.maxBulkBytes),
    'protected-mode': yesNo(settings.protectedMode),
    'replica-read-only': 'yes',
    save: '',
    'slave-read-only': 'yes',
    'slowlog-log-slower-than': '-1',
    'slowlog-max-len': '0',
    'tcp-keepalive': seconds(settings.keepAliveMs),
    timeout: seconds(settings.idleTimeoutMs),
    unixsocket: settings.unixSocket ?? '',
    unixsocketperm: settings.unixSocketMode,
  };
  return new Map(Object.entries(shown));
}
