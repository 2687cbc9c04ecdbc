// Name and password of a user of the gateway.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../api';
import { Failure } from '../parts';

export function Login({ onDone }: { onDone: () => void }): JSX.Element {
  const [error, setError] = useState<Error>();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    ask('POST', '/login', {}, { name: String(form.get('name')), password: String(form.get('password')) }).then(
      onDone,
      setError,
    );
  };
  return (
    <main class="login">
      <h1>Rafka</h1>
      <form onSubmit={submit}>
        <label>
          User <input name="name" autocomplete="username" value="default" required />
        </label>
        <label>
          Password <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <button type="submit">Log in</button>
      </form>
      {error && <Failure error={error} />}
      <p>The users are those of the gateway: the ones that AUTH and Authorization know.</p>
    </main>
  );
}
