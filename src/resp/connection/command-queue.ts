// HeldCommands: the commands of one connection between MULTI and EXEC.
import { type MemoryBudget, Reservation } from '../../core/memory/memory-budget.js';
import type { CommandQueue, QueuedCommand, Resolved } from '../command/context.js';
import { Simple } from '../wire/reply.js';

/** Of a command and of an argument, beside its bytes. */
const COMMAND_BYTES = 256;
const ARGUMENT_BYTES = 256;
const QUEUED = new Simple('QUEUED');

export class HeldCommands implements CommandQueue {
  readonly commands: QueuedCommand[] = [];
  /** A command was refused when it came: EXEC runs none. */
  isBroken = false;
  readonly #memory: Reservation;

  constructor(budget: MemoryBudget) {
    this.#memory = new Reservation(budget);
  }

  /** @throws GatewayError `memory-limit` */
  add(found: Resolved, argv: readonly Buffer[]): Simple {
    let bytes = COMMAND_BYTES;
    for (const argument of argv) bytes += ARGUMENT_BYTES + argument.length;
    this.#memory.take(bytes);
    this.commands.push({ found, argv });
    return QUEUED;
  }

  /** The commands have run, or never will. */
  release(): void {
    this.#memory.release();
  }
}
