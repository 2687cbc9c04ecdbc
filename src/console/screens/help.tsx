// What the keys do.
import type { JSX } from 'preact';

export function Help({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <section class="help" role="dialog" aria-label="Help">
      <h2>Keys</h2>
      <dl>
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>go to the filter</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>this help</dd>
        </div>
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>close it</dd>
        </div>
      </dl>
      <p>The address holds what you see: keep it or send it. Looking never joins a group and never commits.</p>
      <p>"unknown" is not 0: Kafka has not said it, or not yet.</p>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </section>
  );
}
