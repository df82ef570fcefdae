/** The menu, who is signed in, and the page that the address names. */
import { useEffect, useState } from 'preact/hooks';
import { Access } from './pages/access.tsx';
import { Audit } from './pages/audit.tsx';
import { Calls } from './pages/calls.tsx';
import { Fog } from './pages/fog.tsx';
import { Governance } from './pages/governance.tsx';
import { Knowledge } from './pages/knowledge.tsx';
import { Overview } from './pages/overview.tsx';
import { Servers } from './pages/servers.tsx';
import { Stop } from './pages/stop.tsx';
import type { Village } from './village.ts';

const PAGES = { Overview, Calls, Servers, Governance, Knowledge, Fog, Audit, Access, Stop } as const;
type Name = keyof typeof PAGES;

const nameIn = (hash: string): Name => {
  const name = hash.slice(2).split('/')[0]!;
  return Object.hasOwn(PAGES, name) ? (name as Name) : 'Overview';
};

export function Frame({ village: { who }, onLeave }: { readonly village: Village; readonly onLeave: () => void }) {
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
