// The header of every screen.
import type { JSX } from 'preact';
import { duration, rate, unknown } from './format';
import { Spark } from './parts';
import type { Status } from './types';

export function Header({ status, isLost }: { status: Status | undefined; isLost: boolean }): JSX.Element {
  return (
    <header>
      <h1>
        {status?.name ?? 'Rafka'} <small>{status ? `${status.version}, ${status.job}` : ''}</small>
      </h1>
      {status && (
        <dl>
          <div>
            <dt>Up</dt>
            <dd>{duration(status.uptimeMs)}</dd>
          </div>
          {status.clusters.map(({ name, kafka, brokers, brokersUp, embedded }) => (
            <div key={name}>
              <dt>Kafka{status.clusters.length > 1 ? ` ${name}` : ''}</dt>
              <dd class={brokers !== null && brokersUp !== brokers ? 'bad' : ''}>
                {embedded ? 'embedded' : (kafka ?? unknown)}, brokers {brokersUp ?? unknown}
                {brokers === null ? '' : ` of ${brokers}`}
              </dd>
            </div>
          ))}
          <div>
            <dt>Readiness</dt>
            <dd class={status.ready === false ? 'bad' : status.ready ? 'good' : 'unknown'} title={status.reason}>
              {status.ready === null ? unknown : status.ready ? 'ready' : `not ready: ${status.reason.split('\n')[0]}`}
            </dd>
          </div>
          <div>
            <dt>In</dt>
            <dd>
              {rate(status.throughput.received.perSecond)}{' '}
              <Spark values={status.throughput.received.history} label="Messages in, the last minutes" />
            </dd>
          </div>
          <div>
            <dt>Out</dt>
            <dd>
              {rate(status.throughput.sent.perSecond)}{' '}
              <Spark values={status.throughput.sent.history} label="Messages out, the last minutes" />
            </dd>
          </div>
        </dl>
      )}
      {status?.embedded && (
        <p class="embedded" role="status">
          EMBEDDED: nothing is kept
        </p>
      )}
      {isLost && (
        <p class="failure" role="alert">
          The process does not answer: what is shown is old.
        </p>
      )}
    </header>
  );
}
