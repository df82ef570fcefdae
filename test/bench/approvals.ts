/** Measures a vote through the router, from the client's request to its answer: `node test/bench/approvals.ts`, JSON out. */
import { startGoverned, structured } from '../e2e/lib/governed.ts';

const VOTES = 500;
const LOW = { affected_systems: [], risk_level: 'low', reversible: true };
const governed = await startGoverned();
try {
  const magi = await governed.as('magi');
  const sage = await governed.as('sage');
  const ms: number[] = [];
  for (let i = 0; i < VOTES; i++) {
    const proposal = { title: `Change ${i}`, description: '', type: 'minor_change', impact_assessment: LOW };
    const { proposal_id } = structured(await magi.call('governance_proposal', proposal));
    const started = performance.now();
    structured(await sage.call('governance_vote', { proposal_id, vote: 'approve', reasoning: 'measured' }));
    ms.push(performance.now() - started);
  }
  ms.sort((a, b) => a - b);
  const at = (share: number) => Math.round((ms[Math.floor(VOTES * share)] ?? 0) * 100) / 100;
  process.stdout.write(
    `${JSON.stringify({ votes: VOTES, vote_p50_ms: at(0.5), vote_p99_ms: at(0.99), vote_max_ms: at(0.9999) })}\n`,
  );
} finally {
  await governed.remove();
}
