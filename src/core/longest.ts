// The longest time that a setting may have: what the timers of Node, librdkafka and the system can hold.

/** 24 days, ms. */
export const longestMs = 2 ** 31 - 1;

/** The schema's error text for a longer one. */
export const tooLong = `must be at most ${longestMs} ms, which is 24 days`;
