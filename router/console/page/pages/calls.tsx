/** Calls as they are made: how many and how long, the last ones, and where the time of one of them went. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { CALLS_URI, type Call, type LiveCalls, liveCalls, perSecond, type Steps, stepsOf } from '../calls.ts';
import { Chart } from '../chart.tsx';
import { CALLS_EVERY_MS } from '../pace.ts';
import { Page, Shown, Status } from '../parts.tsx';
import { useLoad } from '../use-load.ts';

export function Calls() {
  const [like, setLike] = useState('');
  const [held, setHeld] = useState<LiveCalls>();
  const [chosen, setChosen] = useState<string>();
  const live = useLoad((client) => liveCalls(client, like), like, { uri: CALLS_URI, atMostEveryMs: CALLS_EVERY_MS });
  const shown = held === undefined ? live : { ...live, data: held };
  return (
    <Page title="Calls">
      <Shown of={shown}>
        {(found) => (
          <>
            <Pulse of={found} />
            {chosen !== undefined && <Chosen key={chosen} id={chosen} />}
            <section class="card" aria-label="Last calls">
              <div class="row">
                <label>
                  Agent, tool, server or outcome
                  <input
                    type="search"
                    value={like}
                    onInput={({ currentTarget }) => {
                      setHeld(undefined);
                      setLike(currentTarget.value.trim());
                    }}
                  />
                </label>
                <button
                  type="button"
                  class="plain"
                  aria-pressed={held !== undefined}
                  onClick={() => setHeld(held === undefined ? found : undefined)}
                >
                  {held === undefined ? 'Hold still' : 'Go on'}
                </button>
              </div>
              {found.calls.length === 0 ? (
                <p class="quiet">{like === '' ? 'Nothing was called yet.' : 'None of the last 5,000 calls is so.'}</p>
              ) : (
                <CallTable calls={found.calls} chosen={chosen} onChoose={setChosen} />
              )}
            </section>
          </>
        )}
      </Shown>
    </Page>
  );
}

function Pulse({ of: { all, seconds } }: { readonly of: LiveCalls }) {
  if (!all)
    return (
      <p class="card">
        These are your own calls. Those of all, and how many there are, need level GOVERNANCE and the permission
        audit:read.
      </p>
    );
  const now = Date.now();
  return (
    <section class="card charts" aria-label="Calls per second and latencies">
      <Chart
        title="Calls per second"
        span="two minutes"
        lines={[
          { name: 'all', values: perSecond(seconds, ({ calls }) => calls, 0, now) },
          { name: 'failed', values: perSecond(seconds, ({ failed }) => failed, 0, now) },
        ]}
      />
      <Chart
        title="Latency"
        unit=" ms"
        span="two minutes"
        lines={[
          { name: 'half of them', values: perSecond(seconds, ({ p50_ms }) => p50_ms, null, now) },
          { name: '99 of 100', values: perSecond(seconds, ({ p99_ms }) => p99_ms, null, now) },
        ]}
      />
    </section>
  );
}

interface CallTableProps {
  readonly calls: readonly Call[];
  readonly chosen: string | undefined;
  readonly onChoose: (callId: string) => void;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

function CallTable({ calls, chosen, onChoose }: CallTableProps) {
  return (
    <table class="stack">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">Tool</th>
          <th scope="col">Outcome</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {calls.map(({ call_id, started_at, agent, tool, outcome, total_ms }) => (
          <tr key={call_id}>
            <td>
              <time dateTime={started_at}>{clock.format(new Date(started_at))}</time>
            </td>
            <td>{agent}</td>
            <td>
              <button type="button" class="link" aria-pressed={chosen === call_id} onClick={() => onChoose(call_id)}>
                {tool}
              </button>
            </td>
            <td>
              <Status value={outcome} />
            </td>
            <td class="figure">{total_ms.toFixed(1)} ms</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const STEP_NAMES: Readonly<Record<string, string>> = {
  admit: 'stop, identity, limits, matrix, screening',
  governance: 'whether a vote is needed',
  record_start: 'on record before it runs',
  upstream: 'its server',
  record_end: 'outcome on record',
};

function Chosen({ id }: { readonly id: string }) {
  const one = useLoad((client) => stepsOf(client, id), id);
  const place = useRef<HTMLElement>(null);
  // It stands above the calls, so that they may go on.
  useEffect(() => place.current?.scrollIntoView({ block: 'nearest' }), [one.data]);
  return (
    <section class="card" aria-label="The chosen call" aria-live="polite" ref={place}>
      <Shown of={one}>{(found) => <Waterfall of={found} />}</Shown>
    </section>
  );
}

/** Each step begins where the one before it ended. */
function Waterfall({ of: { tool, agent, server, outcome, total_ms, steps, call_id } }: { readonly of: Steps }) {
  let before = 0;
  const rows = steps.map(({ step, ms }) => {
    const from = before;
    before += ms;
    return { step, ms, from };
  });
  const whole = Math.max(total_ms, before, 0.001);
  return (
    <>
      <h2>
        {tool}: where {total_ms.toFixed(1)} ms went
      </h2>
      <p class="quiet">
        {agent} at {server}, <Status value={outcome} />; <code>{call_id}</code>
      </p>
      <table class="waterfall">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Took</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ step, ms, from }) => (
            <tr key={step}>
              <td>{STEP_NAMES[step] ?? step}</td>
              <td class="figure">{ms.toFixed(2)} ms</td>
              <td>
                <svg
                  viewBox="0 0 100 10"
                  preserveAspectRatio="none"
                  role="img"
                  aria-label={`from ${from.toFixed(2)} ms`}
                >
                  <rect x={(100 * from) / whole} width={Math.max(0.5, (100 * ms) / whole)} y="0" height="10" />
                </svg>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
