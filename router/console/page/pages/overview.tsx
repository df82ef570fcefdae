/** What needs somebody: open votes, alerts, servers that are away, a stop in force; and the last hour as pictures. */
import type { ComponentChildren } from 'preact';
import { ALERTS_URI, figureUri, firing, historyOf } from '../alerts.ts';
import { Chart } from '../chart.tsx';
import { FIGURES_EVERY_MS, STOP_EVERY_MS } from '../pace.ts';
import { Page, Shown } from '../parts.tsx';
import { PROPOSALS_URI, proposals } from '../proposals.ts';
import { SERVICES_URI, services } from '../services.ts';
import { stopState } from '../stops.ts';
import { useLoad } from '../use-load.ts';
import { useVillage } from '../village.ts';

export function Overview() {
  const { tools } = useVillage();
  const isMonitored = tools.has('system_performance');
  return (
    <Page title="Overview">
      <div class="needs">
        {tools.has('emergency_system_shutdown') && <StopCard />}
        {tools.has('governance_status') && <VotesCard />}
        {isMonitored && <AlertsCard />}
        {tools.has('service_list') && <ServersCard />}
      </div>
      {isMonitored ? (
        <section class="card charts" aria-label="The last hour">
          <History title="Calls per second" series="router.calls_per_second" />
          <History title="Slowest of 100 calls" series="router.call_p99_seconds" factor={1_000} unit=" ms" />
        </section>
      ) : (
        <p class="card quiet">Alerts and the last hour come from the monitoring server, which you cannot use here.</p>
      )}
    </Page>
  );
}

interface CardProps {
  readonly title: string;
  readonly to: string;
  readonly children: ComponentChildren;
}

function Card({ title, to, children }: CardProps) {
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
  const { credentials } = useVillage();
  const state = useLoad(() => stopState(credentials), '', { everyMs: STOP_EVERY_MS });
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

function AlertsCard() {
  const alerts = useLoad(firing, '', { uri: ALERTS_URI });
  return (
    <section class="card" aria-label="Alerts">
      <h2>Alerts</h2>
      <Shown of={alerts}>
        {(found) => (
          <>
            <p class={`number ${found.length > 0 ? 'bad' : 'good'}`}>{found.length}</p>
            {found.length === 0 && <p>Nothing is noticed.</p>}
            <ul>
              {found.map(({ series, summary, remedy }) => (
                <li key={`${series} ${summary}`}>
                  <strong>{summary}</strong> <span class="quiet">{remedy}</span>
                </li>
              ))}
            </ul>
          </>
        )}
      </Shown>
    </section>
  );
}

function ServersCard() {
  const all = useLoad(services, '', { uri: SERVICES_URI });
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

interface HistoryProps {
  readonly title: string;
  readonly series: string;
  /** What the figures are multiplied by. */
  readonly factor?: number;
  readonly unit?: string;
}

function History({ title, series, factor = 1, unit = '' }: HistoryProps) {
  const history = useLoad((client) => historyOf(client, series), series, {
    uri: figureUri(series),
    atMostEveryMs: FIGURES_EVERY_MS,
  });
  return (
    <Shown
      of={history}
      isEmpty={(values) => values.every((value) => value === null)}
      empty={`${title}: not measured yet.`}
    >
      {(values) => (
        <Chart
          title={title}
          unit={unit}
          span="an hour"
          lines={[{ name: 'now', values: values.map((value) => (value === null ? null : value * factor)) }]}
        />
      )}
    </Shown>
  );
}
