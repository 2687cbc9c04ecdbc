// Input of a command line tool is unusable; the message is for the user.

export class InputError extends Error {
  override readonly name = 'InputError';
}
