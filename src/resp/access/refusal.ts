// Refusal replies for unauthenticated clients.
import { fail } from '../../errors.js';

/** Redis' own text. */
export const tooManyClients = '-ERR max number of clients reached\r\n';

export const deniedByProtectedMode = `-${fail('protected-mode').resp}\r\n`;
