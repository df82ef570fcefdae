/** The frame: signing in, the menu, the state of the connection, and the page that the address names. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { VillageError } from '../../../client/index.ts';
import { Access } from './pages/access.tsx';
import { Audit } from './pages/audit.tsx';
import { Governance } from './pages/governance.tsx';
import { Overview } from './pages/overview.tsx';
import { Servers } from './pages/servers.tsx';
import { Stop } from './pages/stop.tsx';
import { SignIn } from './sign-in.tsx';
import { wordsOf } from './use-load.ts';
import { clientFor, keepToken, keptToken, type Village, VillageContext, whoOf } from './village.ts';

const PAGES = { Overview, Servers, Governance, Audit, Access, Stop } as const;
type Name = keyof typeof PAGES;

const nameIn = (hash: string): Name => {
  const name = hash.slice(2).split('/')[0]!;
  return Object.hasOwn(PAGES, name) ? (name as Name) : 'Overview';
};

export function App() {
  const [token, setToken] = useState(keptToken);
  const [why, setWhy] = useState<string>();
  const leave = (reason?: string): void => {
    keepToken(undefined);
    setWhy(reason);
    setToken(undefined);
  };
  if (token === undefined) {
    const enter = (text: string): void => {
      keepToken(text);
      setWhy(undefined);
      setToken(text);
    };
    return <SignIn why={why} onToken={enter} />;
  }
  return <SignedIn key={token} token={token} onLeave={leave} />;
}

function SignedIn({ token, onLeave }: { readonly token: string; readonly onLeave: (why?: string) => void }) {
  const client = useMemo(() => clientFor(token), [token]);
  const [tools, setTools] = useState<ReadonlySet<string>>();
  const [isAway, setAway] = useState(false);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    const read = (): void => {
      client.listTools().then(
        (found) => setTools(new Set(found.keys())),
        (error: unknown) => {
          if (error instanceof VillageError && error.reason === 'INVALID_API_KEY') onLeave(error.message);
          else setProblem(wordsOf(error));
        },
      );
    };
    const stop = client.on((event) => {
      if (event.kind === 'attempt_failed') setAway(true);
      if (event.kind === 'state' && event.state !== 'connecting') setAway(event.state === 'disconnected');
      if (event.kind === 'tools_changed' || event.kind === 'reconnected') read();
      // Nothing else may be asked for just then: the page comes back by itself.
      if (event.kind === 'state' && event.state === 'disconnected') client.connect().catch(() => undefined);
    });
    read();
    return () => {
      stop();
      void client.close();
    };
  }, [client]);
  const village = useMemo<Village | undefined>(
    () => (tools === undefined ? undefined : { client, tools, token, who: whoOf(token) }),
    [client, tools, token],
  );
  return (
    <VillageContext.Provider value={village}>
      {isAway && (
        <p class="banner" role="alert">
          The router does not answer. What you see may be old; the page comes back by itself.
        </p>
      )}
      {village === undefined ? (
        <main>
          {problem === undefined ? (
            <p class="quiet">Connecting …</p>
          ) : (
            <p role="alert">
              {problem}. Load the page again, or{' '}
              <button type="button" class="plain" onClick={() => onLeave()}>
                sign in with another token
              </button>
            </p>
          )}
        </main>
      ) : (
        <Frame village={village} onLeave={() => onLeave()} />
      )}
    </VillageContext.Provider>
  );
}

function Frame({ village: { who }, onLeave }: { readonly village: Village; readonly onLeave: () => void }) {
  const [name, setName] = useState(() => nameIn(location.hash));
  useEffect(() => {
    const follow = (): void => setName(nameIn(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  const Current = PAGES[name];
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        To the content
      </button>
      <header>
        <strong>AIVillage</strong>
        <nav aria-label="Pages">
          <ul>
            {Object.keys(PAGES).map((each) => (
              <li key={each}>
                <a href={`#/${each}`} {...(each === name && { 'aria-current': 'page' as const })}>
                  {each}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="who">
          <span>
            {who.agent} · {who.level}
          </span>
          <button type="button" class="plain" onClick={onLeave}>
            Sign out
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Current key={name} />
      </main>
    </>
  );
}
