/** What needs somebody: votes that are open, servers that are away, a stop that is in force. */
import type { ComponentChildren } from 'preact';
import { Page, Shown } from '../parts.tsx';
import { PROPOSALS_URI, proposals } from '../proposals.ts';
import { services } from '../services.ts';
import { stopState } from '../stops.ts';
import { useLoad } from '../use-load.ts';
import { useVillage } from '../village.ts';

export function Overview() {
  const { tools } = useVillage();
  return (
    <Page title="Overview">
      <div class="needs">
        {tools.has('emergency_system_shutdown') && <StopCard />}
        {tools.has('governance_status') && <VotesCard />}
        {tools.has('service_list') && <ServersCard />}
      </div>
    </Page>
  );
}

function Card({
  title,
  to,
  children,
}: {
  readonly title: string;
  readonly to: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="card" aria-label={title}>
      <h2>
        <a href={`#/${to}`}>{title}</a>
      </h2>
      {children}
    </section>
  );
}

function StopCard() {
  const { token } = useVillage();
  const state = useLoad(() => stopState(token), '', { everyMs: 3_000 });
  return (
    <Card title="Emergency stop" to="Stop">
      <Shown of={state}>
        {({ state: now, stops }) =>
          now === 'running' ? (
            <p class="number good">Running</p>
          ) : (
            <>
              <p class="number bad">Stopped</p>
              <p>{stops.map(({ scope }) => scope).join(', ')}</p>
            </>
          )
        }
      </Shown>
    </Card>
  );
}

function VotesCard() {
  const open = useLoad((client) => proposals(client, 'voting_ongoing'), '', { uri: PROPOSALS_URI });
  return (
    <Card title="Open votes" to="Governance">
      <Shown of={open}>
        {(found) => {
          const mine = found.filter(({ you_may_vote }) => you_may_vote);
          return (
            <>
              <p class={`number ${mine.length > 0 ? 'warn' : ''}`}>{found.length}</p>
              <p>
                {mine.length === 0
                  ? 'None waits for you.'
                  : `${mine.length} ${mine.length === 1 ? 'waits' : 'wait'} for your vote.`}
              </p>
            </>
          );
        }}
      </Shown>
    </Card>
  );
}

function ServersCard() {
  const all = useLoad(services, '', { everyMs: 5_000 });
  return (
    <Card title="Servers" to="Servers">
      <Shown of={all}>
        {(found) => {
          const away = found.filter(({ status }) => status !== 'healthy');
          return (
            <>
              <p class={`number ${away.length > 0 ? 'bad' : 'good'}`}>
                {found.length - away.length} of {found.length}
              </p>
              <p>{away.length === 0 ? 'All are healthy.' : `Not healthy: ${away.map(({ id }) => id).join(', ')}`}</p>
            </>
          );
        }}
      </Shown>
    </Card>
  );
}
