// What the user gave a command line tool is of no use; the message is for them.

export class InputError extends Error {
  override readonly name = 'InputError';
}
