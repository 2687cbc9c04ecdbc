// One message on its way to a client that keeps no session.
import type { Message } from '../ports.js';

/** What becomes of a message is decided by whether its reply arrives. */
export interface Delivery {
  readonly message: Message;
  /** The reply has been handed to the socket: with auto-ack the message is acked now. */
  done(): void;
  /** The client went before the reply: the message is offered again at once, and that counts as no retry. */
  failed(): void;
}

/** A request for one message. */
export interface Poll {
  /** @throws GatewayError `poll-expired`, `pixy-stopping` */
  readonly delivery: Promise<Delivery>;
  /** The client has gone: it is no longer waited for; a message that was chosen already goes to somebody else. */
  cancel(): void;
}
