// Appender: writes entries for everybody. A lone one leaves at once; those that come while others are on their way leave together,
// once a turn of the event loop, so that they share requests to the brokers.
import type { DeliveryReport, ProducerRecord } from '../../core/ports.js';
import type { ProducerSession } from '../../core/producer-session.js';

interface Gathered {
  readonly record: ProducerRecord;
  readonly resolve: (report: Promise<DeliveryReport>) => void;
}

export class Appender {
  readonly #producer: ProducerSession;
  #gathered: Gathered[] = [];

  constructor(producer: ProducerSession) {
    this.#producer = producer;
  }

  /** Settles when Kafka has it, or has refused it. @throws GatewayError as ProducerSession.send(). */
  append(record: ProducerRecord): Promise<DeliveryReport> {
    if (this.#gathered.length === 0 && this.#producer.inFlight === 0) return this.#send(record);
    return new Promise((resolve) => {
      this.#gathered.push({ record, resolve });
      if (this.#gathered.length === 1) setImmediate(() => this.#sendGathered());
    });
  }

  #sendGathered(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    for (const { record, resolve } of gathered) resolve(this.#producer.send(record));
  }

  #send(record: ProducerRecord): Promise<DeliveryReport> {
    const sent = this.#producer.send(record);
    return sent;
  }
}
