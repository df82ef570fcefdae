/** Proposals: what is asked, who voted, what came of it; and one's own vote. */
import { useState } from 'preact/hooks';
import { Action, fieldOf, Page, Shown, Status, Time } from '../parts.tsx';
import { type Detail, PROPOSALS_URI, proposal, proposals, type Summary } from '../proposals.ts';
import { useLoad } from '../use-load.ts';
import { useVillage } from '../village.ts';

export function Governance() {
  const { tools } = useVillage();
  if (tools.has('governance_status')) return <Proposals />;
  return (
    <Page title="Governance">
      <p class="card">
        The governance server is not among the servers of this village, or your token may not see proposals: that needs
        the permission governance:read.
      </p>
    </Page>
  );
}

function Proposals() {
  const all = useLoad((client) => proposals(client), '', { uri: PROPOSALS_URI });
  const [chosen, setChosen] = useState<string>();
  return (
    <Page title="Governance">
      <section class="card" aria-label="Proposals">
        <Shown of={all} isEmpty={(found) => found.length === 0} empty="Nothing was proposed yet.">
          {(found) => (
            <table class="stack">
              <thead>
                <tr>
                  <th scope="col">Proposal</th>
                  <th scope="col">Status</th>
                  <th scope="col">Votes</th>
                  <th scope="col">Ends</th>
                </tr>
              </thead>
              <tbody>
                {found.map((each) => (
                  <tr key={each.proposal_id}>
                    <td>
                      <button
                        type="button"
                        class="link"
                        aria-pressed={chosen === each.proposal_id}
                        onClick={() => setChosen(each.proposal_id)}
                      >
                        {each.title}
                      </button>
                    </td>
                    <td>
                      <Status value={each.proposal_status} />
                    </td>
                    <td>
                      <Votes of={each} />
                    </td>
                    <td>
                      <Time at={each.voting_deadline} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Shown>
      </section>
      {chosen !== undefined && <Chosen key={chosen} id={chosen} />}
    </Page>
  );
}

/** One mark for each approval that it needs, and one for each rejection. */
function Votes({ of: { approvals, rejections, required_votes } }: { readonly of: Summary }) {
  const marks = [
    ...Array.from({ length: Math.max(required_votes, approvals) }, (_, at) => (at < approvals ? 'yes' : '')),
    ...Array.from({ length: rejections }, () => 'no'),
  ];
  return (
    <>
      <div class="votes" aria-hidden="true">
        {marks.map((mark, at) => (
          <span key={at} class={mark} />
        ))}
      </div>
      <span class="quiet">
        {approvals} of {required_votes} approve, {rejections} reject
      </span>
    </>
  );
}

function Chosen({ id }: { readonly id: string }) {
  const one = useLoad((client) => proposal(client, id), id, { uri: `${PROPOSALS_URI}/${id}` });
  return (
    <section class="card" aria-label="The chosen proposal" aria-live="polite">
      <Shown of={one}>
        {(found) => (found === undefined ? <p>It is not there any more.</p> : <Whole of={found} reload={one.reload} />)}
      </Shown>
    </section>
  );
}

function Whole({ of: found, reload }: { readonly of: Detail; readonly reload: () => void }) {
  const { impact_assessment: impact } = found;
  return (
    <>
      <h2>{found.title}</h2>
      <dl>
        <dt>Status</dt>
        <dd>
          <Status value={found.proposal_status} />
        </dd>
        <dt>Proposed by</dt>
        <dd>
          {found.proposer}, as a {found.type.replaceAll('_', ' ')}
        </dd>
        <dt>Why</dt>
        <dd>{found.description === '' ? 'Nothing was said.' : found.description}</dd>
        <dt>Risk</dt>
        <dd>
          {impact.risk_level}, {impact.reversible ? 'can be undone' : 'cannot be undone'}
          {impact.affected_systems.length > 0 && `; touches ${impact.affected_systems.join(', ')}`}
        </dd>
        {found.action_tool !== null && (
          <>
            <dt>Runs</dt>
            <dd>
              <code>{found.action_tool}</code>
              {found.action_arguments !== null && <pre>{found.action_arguments}</pre>}
            </dd>
          </>
        )}
        {found.votes.map(({ voter, vote, reasoning }) => (
          <>
            <dt>{voter}</dt>
            <dd>
              {vote}: {reasoning}
            </dd>
          </>
        ))}
        {found.result !== null && (
          <>
            <dt>Outcome</dt>
            <dd>
              <pre>{found.result}</pre>
            </dd>
          </>
        )}
      </dl>
      {found.you_may_vote && <Ballot id={found.proposal_id} onVoted={reload} />}
    </>
  );
}

function Ballot({ id, onVoted }: { readonly id: string; readonly onVoted: () => void }) {
  const { client } = useVillage();
  const vote = async (form: FormData): Promise<string> => {
    const choice = fieldOf(form, 'vote');
    await client.call('governance_vote', { proposal_id: id, vote: choice, reasoning: fieldOf(form, 'reasoning') });
    onVoted();
    return `Your vote is recorded: ${choice}.`;
  };
  return (
    <Action name="Vote" act={vote}>
      <label>
        Your vote
        <select name="vote">
          <option value="approve">approve</option>
          <option value="reject">reject</option>
        </select>
      </label>
      <label>
        Why
        <textarea name="reasoning" rows={2} required />
      </label>
    </Action>
  );
}
