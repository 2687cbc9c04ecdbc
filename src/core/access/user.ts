// What a user may do. Without users configured, everybody is the one who may do everything.

/** The rights of the user that a connection speaks for. The check methods throw GatewayError `not-permitted`. */
export interface User {
  readonly name: string;
  readonly isAdmin: boolean;
  /** When its RPUSHX is answered; absent: as for everybody. */
  readonly rpushx?: 'queued' | 'delivered';
  /** What it may do, as ACL LIST writes it. */
  readonly rules: string;
  checkProduce(topic: string): void;
  /** @param kafkaGroup the Kafka group that `group` is, where that is called otherwise: to be allowed either is enough. */
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
