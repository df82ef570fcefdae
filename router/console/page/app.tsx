/** Who is signed in, and the state of the connection; what is on the page stays when either is lost. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { VillageError } from '../../../client/index.ts';
import { Credentials, type Kept, keptInTab } from './credentials.ts';
import { Frame } from './frame.tsx';
import { SignIn, SignInForm } from './sign-in.tsx';
import { wordsOf } from './use-load.ts';
import { clientFor, type Village, VillageContext } from './village.ts';

export function App() {
  const [credentials, setCredentials] = useState(() => {
    const kept = keptInTab();
    return kept === undefined ? undefined : new Credentials(kept);
  });
  const [why, setWhy] = useState<string>();
  const enter = (kept: Kept): void => {
    setWhy(undefined);
    setCredentials(new Credentials(kept));
  };
  const leave = (reason?: string): void => {
    void credentials?.forget();
    setWhy(reason);
    setCredentials(undefined);
  };
  if (credentials === undefined) return <SignIn why={why} onSignIn={enter} />;
  return <SignedIn key={credentials} credentials={credentials} onLeave={leave} onOther={enter} />;
}

interface SignedInProps {
  readonly credentials: Credentials;
  readonly onLeave: (why?: string) => void;
  /** Somebody else signed in. */
  readonly onOther: (kept: Kept) => void;
}

function SignedIn({ credentials, onLeave, onOther }: SignedInProps) {
  const client = useMemo(() => clientFor(credentials), [credentials]);
  const [tools, setTools] = useState<ReadonlySet<string>>();
  const [isAway, setAway] = useState(false);
  const [isEnded, setEnded] = useState(false);
  const [turn, setTurn] = useState(0);
  const [problem, setProblem] = useState<string>();
  const isShown = useRef(false);

  const readTools = (): void => {
    client.listTools().then(
      (found) => {
        isShown.current = true;
        setTools(new Set(found.keys()));
      },
      (error: unknown) => {
        if (!(error instanceof VillageError) || error.reason !== 'INVALID_API_KEY') setProblem(wordsOf(error));
        // Before anything was shown there is nothing to keep.
        else if (!isShown.current) onLeave(error.message);
      },
    );
  };
  useEffect(() => {
    credentials.onEnded = () => setEnded(true);
    const stop = client.on((event) => {
      if (event.kind === 'attempt_failed') setAway(true);
      if (event.kind === 'state' && event.state !== 'connecting')
        setAway(event.state === 'disconnected' && event.reason !== 'INVALID_API_KEY');
      if (event.kind === 'tools_changed' || event.kind === 'reconnected') readTools();
      // Nothing else may be asked for just then: the page comes back by itself.
      if (event.kind === 'state' && event.state === 'disconnected') client.connect().catch(() => undefined);
    });
    readTools();
    return () => {
      stop();
      void client.close();
    };
  }, [client]);

  const again = (kept: Kept): void => {
    const { agent } = credentials.who;
    if (new Credentials(kept).who.agent !== agent) {
      onOther(kept);
      return;
    }
    credentials.keep(kept);
    setEnded(false);
    client.connect().then(
      () => setTurn((before) => before + 1),
      () => undefined,
    );
  };
  const village = useMemo<Village | undefined>(
    () => (tools === undefined ? undefined : { client, credentials, tools, who: credentials.who, turn }),
    [client, credentials, tools, turn],
  );
  return (
    <VillageContext.Provider value={village}>
      {isAway && !isEnded && (
        <p class="banner" role="alert">
          The router does not answer. What you see may be old; the page comes back by itself.
        </p>
      )}
      {isEnded && village !== undefined && (
        <section class="banner" aria-label="Sign in again">
          <p role="alert">
            Your token has ended. Sign in again, and go on where you were: what you typed below is still there.
          </p>
          <SignInForm why={undefined} onSignIn={again} />
        </section>
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
