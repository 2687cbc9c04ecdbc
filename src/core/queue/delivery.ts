// One message on its way to a client without a session.
import type { Message } from '../ports.js';

/** Whether the reply arrives decides about the message. */
export interface Delivery {
  readonly message: Message;
  /** The reply was handed to the socket: with auto-ack the message is acknowledged now. */
  done(): void;
  /** The client disconnected before the reply: the message is offered again at once, and that does not count as a retry. */
  failed(): void;
}

/** A request for one message. */
export interface Poll {
  /** @throws GatewayError `poll-expired`, `pixy-stopping` */
  readonly delivery: Promise<Delivery>;
  /** The client has disconnected: it no longer waits; a message that was chosen already goes to another client. */
  cancel(): void;
}
