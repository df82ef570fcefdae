/**
 * One round of kill -9 between the call of an approved action and the record of its outcome, on real processes: the test runs
 * some, the soak many. Throws when anything ran twice, or was not shown as unknown.
 */
import fs from 'node:fs';
import {
  approvalOf,
  type Governed,
  governedConfig,
  structured,
  until,
  untilListed,
  untilStatus,
  vote,
} from './governed.ts';
import { textOf } from './raw-client.ts';
import { Village } from './village.ts';

/** Which processes are killed: the router, the governance server, or both at once. */
export const VICTIMS = ['both', 'router', 'governance'] as const;
export type Victim = (typeof VICTIMS)[number];

/** Longer than the round: whatever answers, it is not the tool. */
const ANSWER_MS = 600_000;

export async function killRound(governed: Governed, round: number, victim: Victim): Promise<void> {
  const key = `round ${round}`;
  const args = { key, ms: ANSWER_MS };
  const magi = await governed.as('magi');
  const { proposalId } = approvalOf(await magi.call('ledger__append_slowly', args));
  await vote(await governed.as('sage'), proposalId);
  // The line is there and the answer is not: the call was made and its outcome is not recorded.
  await until(`${key} reached the ledger`, () => count(governed, key) === 1);
  await kill(governed, victim);
  const sage = await governed.as('sage');
  await untilStatus(sage, proposalId, 'outcome_unknown');

  const again = await (await governed.as('magi')).call('ledger__append_slowly', args);
  if (approvalOf(again).status !== 'outcome_unknown' || !textOf(again).includes('governance_resolve')) {
    throw new Error(`${key}: asked again it answers ${JSON.stringify(again)}`);
  }
  const justification = 'The ledger has its line';
  const resolution = { proposal_id: proposalId, outcome: 'executed', justification };
  structured(await (await governed.as('curator')).call('governance_resolve', resolution));
  if (count(governed, key) !== 1) throw new Error(`${key} stands ${count(governed, key)} times in the ledger`);
}

function count(governed: Governed, key: string): number {
  return governed.lines().filter((line) => line === key).length;
}

async function kill(governed: Governed, victim: Victim): Promise<void> {
  const { village } = governed;
  const router = village.process.pid!;
  const server = governancePid(router);
  if (victim !== 'router') process.kill(server, 'SIGKILL');
  if (victim === 'governance') {
    await until('another governance server runs', async () => {
      const { proposals } = (await status(governed)) ?? {};
      return proposals !== undefined;
    });
    return;
  }
  await village.stop('SIGKILL');
  governed.village = await Village.start({ config: governedConfig(governed.ledger), folder: village.folder });
  await untilListed(governed);
}

async function status(governed: Governed): Promise<Record<string, unknown> | undefined> {
  const answer = await (await governed.as('sage')).call('governance_status', {});
  return answer.result?.isError === true ? undefined : (answer.result?.structuredContent as Record<string, unknown>);
}

/** The router's child that serves governance (Linux). */
function governancePid(router: number): number {
  const children = fs.readFileSync(`/proc/${router}/task/${router}/children`, 'utf8').trim().split(' ').map(Number);
  const found = children.find((pid) => fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('serve\0governance'));
  if (found === undefined) throw new Error('the router has no child that serves governance');
  return found;
}
