/** Who may what: each tool, resource and prompt with the row that decides, and the agents that it lets through. */
import { useState } from 'preact/hooks';
import { conditionsOf, type MatrixTarget, type MatrixView, wholeMatrix } from './matrix.ts';
import { Shown, Status } from './parts.tsx';
import { useLoad } from './use-load.ts';

export function MatrixTable() {
  const matrix = useLoad(wholeMatrix, '');
  const [text, setText] = useState('');
  const [agent, setAgent] = useState('');
  return (
    <section class="card" aria-label="Who may what">
      <h2>Who may what</h2>
      <Shown
        of={matrix}
        isEmpty={({ targets }) => targets.length === 0}
        empty="No row of the matrix lets you use anything."
      >
        {(found) => (
          <>
            {found.agents.length === 0 && (
              <p class="quiet">
                These are what you may use. The whole matrix, for all agents, needs level GOVERNANCE and audit:read.
              </p>
            )}
            <div class="row">
              <label>
                Name, server or row
                <input type="search" value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
              </label>
              {found.agents.length > 0 && (
                <label>
                  Agent
                  <select value={agent} onChange={({ currentTarget }) => setAgent(currentTarget.value)}>
                    <option value="">all</option>
                    {found.agents.map((each) => (
                      <option key={each.agent} value={each.agent}>
                        {each.agent} ({each.level})
                      </option>
                    ))}
                  </select>
                </label>
              )}
            </div>
            <Rows of={found} text={text.trim().toLowerCase()} agent={agent} />
          </>
        )}
      </Shown>
    </section>
  );
}

interface RowsProps {
  readonly of: MatrixView;
  readonly text: string;
  readonly agent: string;
}

function Rows({ of: { agents, targets }, text, agent }: RowsProps) {
  const shown = targets.filter(
    ({ name, server, row, may }) =>
      [name, server, row?.match ?? ''].some((each) => each.toLowerCase().includes(text)) &&
      (agent === '' || may.some((each) => each.agent === agent)),
  );
  return (
    <>
      <p class="quiet" role="status">
        {shown.length} of {targets.length}
        {agent !== '' && `, open to ${agent}`}
      </p>
      <table class="stack">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">From level</th>
            <th scope="col">Needs also</th>
            <th scope="col">{agents.length === 0 ? 'You' : 'Who may'}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((target) => (
            <tr key={`${target.kind} ${target.name} ${target.server}`}>
              <td class="name">
                <code>{target.name}</code> <span class="quiet">{target.kind}</span>
                <RowOf target={target} />
              </td>
              <td class="name">{target.row?.level ?? 'nobody'}</td>
              <td>{needsOf(target)}</td>
              <td>
                {agents.length === 0 ? <Status value={target.you} /> : <Agents of={target} count={agents.length} />}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Which row it is, where that is not one of its own name. */
function RowOf({ target: { name, row } }: { readonly target: MatrixTarget }) {
  if (row?.match === name) return null;
  return <div class="quiet">{row === null ? 'no row' : <code>{row.match}</code>}</div>;
}

function needsOf({ row }: MatrixTarget): string {
  if (row === null) return '–';
  const needs = [...(row.permission === null ? [] : [row.permission]), ...conditionsOf(row)];
  return needs.length === 0 ? 'nothing' : needs.join(', ');
}

function Agents({ of: { may }, count }: { readonly of: MatrixTarget; readonly count: number }) {
  const afterVote = may.filter(({ decision }) => decision === 'approval_required').map(({ agent }) => agent);
  const open = may.filter(({ decision }) => decision === 'allowed').map(({ agent }) => agent);
  if (may.length === 0) return <span class="quiet">no agent of the configuration</span>;
  const named = (names: readonly string[]) => (names.length === count ? `all ${count} agents` : names.join(', '));
  return (
    <>
      {open.length > 0 && <span class="good">{named(open)}</span>}
      {afterVote.length > 0 && (
        <span class="warn">
          {open.length > 0 && '; '}after a vote: {named(afterVote)}
        </span>
      )}
    </>
  );
}
