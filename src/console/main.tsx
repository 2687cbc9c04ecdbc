// The page: login, header, navigation, and the screen that the address names.
import { type JSX, render } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { ApiError, ask, get, setToken, useStream } from './api';
import { Header } from './header';
import { Failure } from './parts';
import { linkTo, useRoute } from './route';
import { ClientsScreen } from './screens/clients';
import { GroupScreen } from './screens/group';
import { GroupsScreen } from './screens/groups';
import { Help } from './screens/help';
import { Login } from './screens/login';
import { OverviewScreen } from './screens/overview';
import { PromptScreen } from './screens/prompt';
import { RelayScreen } from './screens/relay';
import { RestScreen } from './screens/rest';
import { PeersScreen, RisScreen } from './screens/ris';
import { StreamScreen } from './screens/stream';
import { StreamsScreen } from './screens/streams';
import { TopicScreen } from './screens/topic';
import { TopicsScreen } from './screens/topics';
import type { Overview, Session, Status } from './types';

function App(): JSX.Element {
  const [session, setSession] = useState<Session>();
  const [error, setError] = useState<Error>();
  const load = useCallback(() => {
    get<Session>('/session').then(
      (found) => {
        setToken(found.token);
        setError(undefined);
        setSession(found);
      },
      (failed) => {
        setSession(undefined);
        setError(failed);
      },
    );
  }, []);
  useEffect(load, []);
  if (error instanceof ApiError && error.status === 401) return <Login onDone={load} />;
  if (error) return <Failure error={error} />;
  return session ? <Page session={session} onLogout={load} /> : <p class="empty">Loading ...</p>;
}

function Page({ session, onLogout }: { session: Session; onLogout: () => void }): JSX.Element {
  const route = useRoute();
  const [status, setStatus] = useState<Status>();
  const [overview, setOverview] = useState<Overview>();
  const [seenAt, setSeenAt] = useState(Date.now());
  const [now, setNow] = useState(Date.now());
  const [isHelp, setHelp] = useState(false);
  useStream(
    '/live',
    {},
    {
      status(data: Status) {
        setStatus(data);
        setSeenAt(Date.now());
      },
      overview: (data: Overview) => setOverview(data),
    },
  );
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5_000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test((event.target as HTMLElement).tagName);
      if (event.key === 'Escape') setHelp(false);
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '?') setHelp((before) => !before);
      if (event.key === '/') {
        event.preventDefault();
        document.querySelector<HTMLInputElement>('[data-filter]')?.focus();
      }
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  const [screen = 'overview', name] = route.parts;
  const hasKafka = session.clusters.length > 0;
  const screens = [
    ['overview', 'Overview'],
    ...(hasKafka
      ? [
          ['topics', 'Topics'],
          ['groups', 'Groups'],
        ]
      : []),
    ...(session.hasStreams ? [['streams', 'Streams']] : []),
    ...(session.hasClients && session.isAdmin ? [['clients', 'Clients']] : []),
    ...(session.hasRis ? [['ris', 'RIS']] : []),
    ...(session.hasRelay ? [['relay', 'Relay']] : []),
    ...(session.hasRest ? [['rest', 'REST, gRPC']] : []),
    ...(session.hasPrompt ? [['prompt', 'Prompt']] : []),
  ] as const;
  const logout = (): void => {
    ask('POST', '/logout').then(onLogout, onLogout);
  };
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header status={status} isLost={now - seenAt > 15_000} />
      <nav class="screens" aria-label="Screens">
        {screens.map(([id, title]) => (
          <a key={id} href={linkTo(id!)} aria-current={screen === id ? 'page' : undefined}>
            {title}
          </a>
        ))}
        <span class="user">
          {session.user}{' '}
          <button type="button" onClick={() => setHelp(true)} aria-label="Help">
            ?
          </button>{' '}
          <button type="button" onClick={logout}>
            Log out
          </button>
        </span>
      </nav>
      {isHelp && <Help onClose={() => setHelp(false)} />}
      <main id="main" tabIndex={-1}>
        {screen === 'topics' &&
          (name ? (
            <TopicScreen key={name} name={name} session={session} query={route.query} />
          ) : (
            <TopicsScreen query={route.query} session={session} />
          ))}
        {screen === 'groups' &&
          (name ? <GroupScreen key={name} name={name} session={session} /> : <GroupsScreen query={route.query} />)}
        {screen === 'streams' &&
          (name ? (
            <StreamScreen key={name} name={name} session={session} />
          ) : (
            <StreamsScreen query={route.query} session={session} />
          ))}
        {screen === 'ris' && (name ? <PeersScreen key={name} collector={name} query={route.query} /> : <RisScreen />)}
        {screen === 'relay' && <RelayScreen />}
        {screen === 'rest' && <RestScreen />}
        {screen === 'clients' && <ClientsScreen query={route.query} session={session} />}
        {screen === 'prompt' && <PromptScreen isEmbedded={status?.embedded === true} />}
        {screen === 'overview' && <OverviewScreen overview={overview} status={status} hasKafka={hasKafka} />}
      </main>
    </>
  );
}

render(<App />, document.getElementById('app')!);
