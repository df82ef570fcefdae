/** Fog computing: nodes and what is used of them, shards and jobs on them, and one's own tokens. */
import { FOG_URI, type Node, type Resources, readJobs, readMoney, readNodes, readShards } from '../fog.ts';
import { Page, Shown, Status, Time } from '../parts.tsx';
import { useLoad } from '../use-load.ts';
import { useVillage } from '../village.ts';

const AT_MOST_EVERY_MS = 5_000;
/** What the work on nodes does is told with the nodes. */
const WITH_NODES = { uri: FOG_URI, atMostEveryMs: AT_MOST_EVERY_MS };

export function Fog() {
  const { tools } = useVillage();
  if (!tools.has('fog_resources')) {
    return (
      <Page title="Fog">
        <p class="card">
          The fog server is not among the servers of this village, or your token may not see it: that needs the
          permission fog:read.
        </p>
      </Page>
    );
  }
  return (
    <Page title="Fog">
      <Nodes />
      <Shards />
      <Jobs />
      <Ledger />
    </Page>
  );
}

function Nodes() {
  const all = useLoad(readNodes, '', WITH_NODES);
  return (
    <section class="card" aria-label="Nodes">
      <h2>Nodes</h2>
      <Shown of={all}>
        {({ nodes, total, work, join }) =>
          nodes.length === 0 ? (
            <p class="quiet">
              No node has joined. Start one anywhere:{' '}
              <code>npx aivillage fog node{join === null ? '' : ` --join ${join}`}</code>
            </p>
          ) : (
            <>
              <Sums total={total} work={work} />
              <table class="stack">
                <thead>
                  <tr>
                    <th scope="col">Node</th>
                    <th scope="col">Cores</th>
                    <th scope="col">Memory</th>
                    <th scope="col">Work</th>
                    <th scope="col">Load</th>
                  </tr>
                </thead>
                <tbody>
                  {nodes.map((node) => (
                    <NodeRow key={node.node_id} of={node} />
                  ))}
                </tbody>
              </table>
            </>
          )
        }
      </Shown>
    </section>
  );
}

function Sums({ total, work }: Pick<Resources, 'total' | 'work'>) {
  return (
    <p>
      {counted(total.nodes, 'node')}; {total.used_cpu_cores} of {total.cpu_cores} cores and {total.used_memory_gb} of{' '}
      {total.memory_gb} GB are taken. Running: {counted(work.running_shards, 'shard')} and{' '}
      {counted(work.running_jobs, 'job')}; waiting: {work.queued}.
    </p>
  );
}

function NodeRow({ of: { node_id, agent, state, cpu_cores, memory_gb, used, measured } }: { readonly of: Node }) {
  const { load, latency_ms } = measured;
  return (
    <tr>
      <td>
        <strong>…{node_id.slice(-8)}</strong> <Status value={state} /> <span class="quiet">of {agent}</span>
      </td>
      <td>
        <Share name="Cores" used={used.cpu_cores} all={cpu_cores} unit="cores" />
      </td>
      <td>
        <Share name="Memory" used={used.memory_gb} all={memory_gb} unit="GB" />
      </td>
      <td>
        {counted(used.shards, 'shard')}, {counted(used.jobs, 'job')}
      </td>
      <td>
        {Math.round(load * 100)} % busy{latency_ms !== null && `, ${latency_ms.toFixed(1)} ms away`}
      </td>
    </tr>
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

interface ShareProps {
  readonly name: string;
  readonly used: number;
  readonly all: number;
  readonly unit: string;
}

function Share({ name, used, all, unit }: ShareProps) {
  return (
    <>
      <meter min="0" max={Math.max(all, 0.001)} value={used} aria-label={`${name} taken`} /> {used} of {all} {unit}
    </>
  );
}

function Shards() {
  const all = useLoad(readShards, '', WITH_NODES);
  return (
    <section class="card" aria-label="Shards">
      <h2>Shards</h2>
      <Shown of={all} isEmpty={(found) => found.length === 0} empty="No shard of yours is placed.">
        {(found) => (
          <Work
            rows={found.map(({ shard_id, agent_type, ...rest }) => ({ ...rest, id: shard_id, what: agent_type }))}
          />
        )}
      </Shown>
    </section>
  );
}

function Jobs() {
  const all = useLoad(readJobs, '', WITH_NODES);
  return (
    <section class="card" aria-label="Jobs">
      <h2>Jobs</h2>
      <Shown of={all} isEmpty={(found) => found.length === 0} empty="No job of yours was submitted yet.">
        {(found) => (
          <Work
            rows={found.map(({ job_id, command, progress, ...rest }) => ({
              ...rest,
              id: job_id.slice(0, 8),
              what: progress === null ? command : `${command}, ${Math.round(progress * 100)} %`,
            }))}
          />
        )}
      </Shown>
    </section>
  );
}

interface WorkRow {
  readonly id: string;
  readonly what: string;
  readonly status: string;
  readonly detail: string;
  readonly node_id: string | null;
  readonly agent: string;
  readonly created_at: string;
}

function Work({ rows }: { readonly rows: readonly WorkRow[] }) {
  return (
    <table class="stack">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Status</th>
          <th scope="col">Node</th>
          <th scope="col">Ordered</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ id, what, status, detail, node_id, agent, created_at }) => (
          <tr key={id}>
            <td>
              <strong>{id}</strong> ({what})
            </td>
            <td>
              <Status value={status} /> <span class="quiet">{detail}</span>
            </td>
            <td>{node_id === null ? '–' : `…${node_id.slice(-8)}`}</td>
            <td>
              by {agent}, <Time at={created_at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Ledger() {
  const { who } = useVillage();
  const own = useLoad(readMoney, '', { uri: `fog://ledger/${encodeURIComponent(who.agent)}` });
  return (
    <section class="card" aria-label="Ledger">
      <h2>Your FOG</h2>
      <Shown of={own}>
        {({ available, staked, supply, treasury, movements }) => (
          <>
            <p class="number">{available}</p>
            <p class="quiet">
              and {staked} staked; all there is: {supply}, of it {treasury} for rewards
            </p>
            {movements.length === 0 ? (
              <p class="quiet">Nothing was paid or earned yet.</p>
            ) : (
              <table class="stack">
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">What</th>
                    <th scope="col">Amount</th>
                    <th scope="col">Behind it</th>
                  </tr>
                </thead>
                <tbody>
                  {movements.map(({ line, at, kind, amount, balance }) => (
                    <tr key={line}>
                      <td>
                        <Time at={at} />
                      </td>
                      <td>{kind.replaceAll('_', ' ')}</td>
                      <td class="figure">{amount}</td>
                      <td class="figure">{balance}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </>
        )}
      </Shown>
    </section>
  );
}
