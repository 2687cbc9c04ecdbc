// CLIENT: a connection's name, and the server's connections.
import { container } from '../command/container.js';
import { getname, setinfo, setname } from './client/identity.js';
import { id, info, list } from './client/list.js';
import { noEvict, noTouch, reply } from './client/modes.js';
import { kill, unblock } from './client/stop.js';
import { caching, getredir, tracking, trackinginfo } from './client/tracking.js';

export const client = container({
  name: 'client',
  group: 'connection',
  summary: 'A container for client connection commands.',
  since: '2.4.0',
  subcommands: [
    caching,
    getname,
    getredir,
    id,
    info,
    kill,
    list,
    noEvict,
    noTouch,
    reply,
    setinfo,
    setname,
    tracking,
    trackinginfo,
    unblock,
  ],
});
