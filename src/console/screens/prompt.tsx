// redis-cli in the page, as the user who is logged in.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, useData } from '../api';

interface Hint {
  readonly name: string;
  readonly summary: string;
  readonly args: string;
}

interface Said {
  readonly line: string;
  readonly text: string;
  readonly isError: boolean;
}

/** The first minute of the README; the second prompt of it is another connection. */
const firstMinute: readonly (readonly [line: string, other: boolean])[] = [
  ['rpushx topics:greetings hello', true],
  ['dump 1000', true],
  ['client setname mygroup:me', false],
  ['blpop topics:greetings 30', false],
];

export function PromptScreen({ isEmbedded }: { isEmbedded: boolean }): JSX.Element {
  const hints = useData<{ rows: readonly Hint[] }>('/commands');
  const [line, setLine] = useState('');
  const [said, setSaid] = useState<readonly Said[]>([]);
  const [waiting, setWaiting] = useState(0);
  const [earlier, setEarlier] = useState(0);
  const ids = useRef({ own: '', other: '' });
  const bottom = useRef<HTMLDivElement>(null);
  useEffect(() => bottom.current?.scrollIntoView({ block: 'nearest' }), [said]);
  const run = (text: string, which: 'own' | 'other' = 'own'): void => {
    if (text.trim() === '') return;
    setWaiting((before) => before + 1);
    const answered = (reply: { prompt?: string; text: string; isError: boolean }): void => {
      if (reply.prompt) ids.current[which] = reply.prompt;
      setWaiting((before) => before - 1);
      setSaid((before) => [...before, { line: text, text: reply.text, isError: reply.isError }].slice(-200));
    };
    ask<{ prompt: string; text: string; isError: boolean }>(
      'POST',
      '/prompt',
      {},
      { line: text, prompt: ids.current[which] },
    ).then(answered, (error: Error) => answered({ text: error.message, isError: true }));
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    run(line);
    setLine('');
    setEarlier(0);
  };
  const step = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    const at = Math.min(said.length, Math.max(0, earlier + (event.key === 'ArrowUp' ? 1 : -1)));
    setEarlier(at);
    setLine(at === 0 ? '' : said[said.length - at]!.line);
  };
  const typed = line.trimStart().toUpperCase();
  const matching = (hints.data?.rows ?? []).filter(
    ({ name }) => typed !== '' && (typed === name || typed.startsWith(`${name} `) || name.startsWith(typed)),
  );
  const place = said.findLast(({ text }) => text.includes('"partition"'));
  const acked = place ? ackOf(place.text) : undefined;
  return (
    <>
      <h2>Prompt</h2>
      <p class="note">
        As redis-cli, with your rights. MONITOR and SUBSCRIBE take a connection of their own: redis-cli.
      </p>
      {isEmbedded && (
        <fieldset class="tools">
          <legend>The first minute</legend>
          {firstMinute.map(([text, isOther]) => (
            <button key={text} type="button" onClick={() => run(text, isOther ? 'other' : 'own')}>
              {text}
            </button>
          ))}
          {acked && (
            <button type="button" onClick={() => run(acked)}>
              {acked}
            </button>
          )}
        </fieldset>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what was printed scrolls with the keyboard */}
      <section class="terminal" tabIndex={0} aria-label="Replies" aria-live="polite">
        {said.length === 0 && <p class="empty">Type PING.</p>}
        {said.map(({ line: text, text: reply, isError }, index) => (
          <div key={index}>
            <div>
              <b>&gt; {text}</b>
            </div>
            <pre class={isError ? 'bad' : ''}>{reply}</pre>
          </div>
        ))}
        {waiting > 0 && <p class="empty">Waiting for the reply ...</p>}
        <div ref={bottom} />
      </section>
      <form class="tools" onSubmit={submit}>
        <label class="line">
          Command{' '}
          <input
            data-filter
            value={line}
            onInput={(event) => setLine(event.currentTarget.value)}
            onKeyDown={step}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
          />
        </label>
        <button type="submit">Run</button>
      </form>
      <ul class="hints" aria-label="Commands">
        {matching.slice(0, 8).map(({ name, args, summary }) => (
          <li key={name}>
            <code>
              {name} {args}
            </code>{' '}
            <span class="note">{summary}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** `rpush acks <topic>:<partition>:<offset>` of what BLPOP has printed. */
function ackOf(text: string): string | undefined {
  const found = /"topic"\n.*?"(.*)"\n.*"partition"\n.*?(\d+)\n.*"offset"\n.*?\(integer\) (\d+)\n/.exec(text);
  return found ? `rpush acks ${found[1]}:${found[2]}:${found[3]}` : undefined;
}
