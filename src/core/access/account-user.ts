// AccountUser: the user of an account, one and the same object while its rights change: connections that are open have the new ones with their next command.
import type { User } from './user.js';

export class AccountUser implements User {
  #rights: User;

  constructor(rights: User) {
    this.#rights = rights;
  }

  /** From now on it has these. */
  become(rights: User): void {
    this.#rights = rights;
  }

  get name(): string {
    return this.#rights.name;
  }

  get isAdmin(): boolean {
    return this.#rights.isAdmin;
  }

  get rpushx(): 'queued' | 'delivered' | undefined {
    return this.#rights.rpushx;
  }

  get rules(): string {
    return this.#rights.rules;
  }

  checkProduce(topic: string): void {
    this.#rights.checkProduce(topic);
  }

  checkConsume(group: string, topics: readonly string[], kafkaGroup?: string): void {
    this.#rights.checkConsume(group, topics, kafkaGroup);
  }

  checkDelete(topic: string): void {
    this.#rights.checkDelete(topic);
  }

  checkAdmin(): void {
    this.#rights.checkAdmin();
  }

  mayJoin(group: string): boolean {
    return this.#rights.mayJoin(group);
  }

  maySee(topic: string): boolean {
    return this.#rights.maySee(topic);
  }
}
