// What a user may do. Without users configured, every client is the user who may do everything.

/** The rights of the user that a connection speaks for. The check methods throw GatewayError `not-permitted`. */
export interface User {
  readonly name: string;
  readonly isAdmin: boolean;
  /** When its RPUSHX is answered; absent: as configured for all. */
  readonly rpushx?: 'queued' | 'delivered' | undefined;
  /** Its rights, as ACL LIST writes them. */
  readonly rules: string;
  checkProduce(topic: string): void;
  /** @param kafkaGroup the Kafka group of `group`, if the names differ: permission for either is enough. */
  checkConsume(group: string, topics: readonly string[], kafkaGroup?: string): void;
  /** To delete a topic, or records of it. */
  checkDelete(topic: string): void;
  checkAdmin(): void;
  /** Whether it may consume in this group, whatever the topic. */
  mayJoin(group: string): boolean;
  /** Whether the topic appears in this user's KEYS and SCAN. */
  maySee(topic: string): boolean;
}

/** The user of a server without passwords. */
export const everybody: User = {
  name: 'default',
  isAdmin: true,
  rules: '~* &* +@all',
  checkProduce: () => {},
  checkConsume: () => {},
  checkDelete: () => {},
  checkAdmin: () => {},
  mayJoin: () => true,
  maySee: () => true,
};
