import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { approvalOf, type Governed, startGoverned, until, untilStatus, vote } from '../lib/governed.ts';
import { tokenFor } from '../lib/village.ts';

let governed: Governed;
let host: Client;

/** A desktop host's own router on stdio, on the data folder of the one that serves HTTP. */
beforeAll(async () => {
  governed = await startGoverned();
  const token = tokenFor('magi', { governance_level: 'COORDINATOR' });
  host = new Client({ name: 'host', version: '1' });
  await host.connect(new StdioClientTransport({ ...governed.village.stdioCommand(token), stderr: 'ignore' }));
  await until('it lists them', async () =>
    (await host.listTools()).tools.some(({ name }) => name === 'ledger__append'),
  );
}, 90_000);
afterAll(async () => {
  await host.close();
  await governed.remove();
});

const call = (name: string, args: Record<string, unknown>) =>
  host.callTool({ name, arguments: args }) as Promise<CallToolResult>;

it('[G4] [G5] [A6] a call asked for on stdio is voted on over HTTP, and runs once although two governance servers see it', async () => {
  const asked = await call('ledger__append', { key: 'between' });
  const { proposalId } = approvalOf({ result: asked });
  const sage = await governed.as('sage');
  await vote(sage, proposalId);
  await untilStatus(sage, proposalId, 'executed');
  expect(await call('ledger__append', { key: 'between' })).toEqual({ content: [{ type: 'text', text: 'written' }] });
  expect(governed.lines()).toEqual(['between']);
});

it('[G1] [G7] an action proposed on stdio is bound by the router on stdio, which has no other door', async () => {
  const proposed = await call('governance_proposal', {
    title: 'Write it down',
    description: 'In the ledger',
    type: 'minor_change',
    impact_assessment: { affected_systems: ['ledger'], risk_level: 'low', reversible: false },
    action: { tool: 'free__append', arguments: { key: 'proposed' } },
  });
  const { proposal_id: id } = proposed.structuredContent as { proposal_id: string };
  const sage = await governed.as('sage');
  await vote(sage, id);
  await untilStatus(sage, id, 'executed');
  expect(governed.lines().filter((line) => line === 'proposed')).toEqual(['proposed']);
});

it('[E2] an order over HTTP stops the router on stdio too', async () => {
  const king = await governed.as('king');
  await king.call('emergency_system_shutdown', { reason: 'everywhere' });
  await expect(call('free__echo', { text: 'x' })).rejects.toMatchObject({ code: -32003 });
  await king.call('emergency_system_resume', { justification: 'over' });
  expect((await call('free__echo', { text: 'x' })).content).toEqual([{ type: 'text', text: 'x' }]);
});
