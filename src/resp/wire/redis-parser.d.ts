// redis-parser ships no types; these are the parts in use.
declare module 'redis-parser' {
  export default class RedisParser {
    constructor(options: {
      returnReply: (reply: unknown) => void;
      returnError: (error: unknown) => void;
      returnFatalError?: (error: unknown) => void;
      returnBuffers?: boolean;
    });
    execute(bytes: Buffer): void;
  }
}
