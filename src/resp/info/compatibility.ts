// The Redis version whose behaviour clients may expect here.

/** Reported in HELLO and INFO: clients choose what to send by it. */
export const REDIS_VERSION = '7.4.0';
