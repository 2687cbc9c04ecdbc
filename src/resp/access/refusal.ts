// What clients are told that are not let in.
import { fail } from '../../errors.js';

/** Redis' own text. */
export const tooManyClients = '-ERR max number of clients reached\r\n';

export const deniedByProtectedMode = `-${fail('protected-mode').resp}\r\n`;
