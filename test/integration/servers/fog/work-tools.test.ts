import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { type CallToolResult, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Reached, reach } from '../../../contract/ways.ts';

let reached: Reached;
let king: Client;

beforeAll(async () => {
  reached = await reach('fog', 'memory');
  king = await connect(reached);
});
afterAll(async () => {
  await king.close();
  await reached.close();
});

const call = async (name: string, args: Record<string, unknown> = {}) => {
  const result = (await king.callTool({ name, arguments: args })) as CallToolResult;
  if (result.isError === true) throw new Error(JSON.stringify(result.content));
  return (result.structuredContent ?? {}) as Record<string, unknown>;
};
const read = async (uri: string): Promise<Record<string, unknown>> => {
  const { contents } = await king.readResource({ uri });
  const [first] = contents;
  if (first === undefined || !('text' in first)) throw new Error('no text');
  return JSON.parse(first.text) as Record<string, unknown>;
};

/** The next update of this resource. */
function nextUpdate(uri: string): Promise<void> {
  return new Promise((resolve) => {
    king.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      if (params.uri === uri) resolve();
    });
  });
}

describe('without a node', () => {
  it('[F3] a job waits, says why, is listed, and its resource tells when it is cancelled', async () => {
    const submitted = await call('fog_submit_job', { command: 'sleep', args: ['1'] });
    expect(submitted).toEqual({ job_id: expect.any(String), status: 'queued' });
    const job_id = String(submitted.job_id);
    const uri = `fog://jobs/${job_id}`;
    expect(await call('fog_job_status', { job_id })).toMatchObject({
      job_id,
      status: 'queued',
      detail: 'no node is here',
      command: 'sleep',
      args: ['1'],
      runs: [],
      stdout: '',
    });
    expect((await read('fog://jobs')).jobs).toMatchObject([{ job_id }]);
    await king.subscribeResource({ uri });
    const updated = nextUpdate(uri);
    expect(await call('fog_cancel_job', { job_id })).toMatchObject({ status: 'cancelled' });
    await updated;
    expect(await read(uri)).toMatchObject({ status: 'cancelled', detail: 'before it started' });
    expect(await call('fog_cancel_job', { job_id })).toMatchObject({ status: 'cancelled' });
  });

  it('[F4] the resources are none, and what waits is counted', async () => {
    const before = await call('fog_resources');
    expect(before).toMatchObject({ nodes: [], total: { nodes: 0, cpu_cores: 0 }, work: { queued: 0 } });
    await call('fog_submit_job', { command: 'sleep', args: ['1'] });
    expect((await call('fog_resources')).work).toMatchObject({ queued: 1 });
    expect(await read('fog://resources')).toMatchObject({ work: { queued: 1 } });
  });

  it('[F4] an unknown node or job is an unknown resource', async () => {
    await expect(king.readResource({ uri: 'fog://nodes/12D3KooW' })).rejects.toThrow('Unknown resource');
    await expect(king.subscribeResource({ uri: 'fog://jobs/00000000-0000-4000-8000-000000000000' })).rejects.toThrow(
      'Unknown resource',
    );
    await expect(king.readResource({ uri: 'fog://jobs/00000000-0000-4000-8000-000000000000' })).rejects.toThrow(
      'Unknown resource',
    );
  });

  it('[F2] plan_deployment lays what there is before the model', async () => {
    const { messages } = await king.getPrompt({
      name: 'plan_deployment',
      arguments: { goal: 'three magi', budget: '5' },
    });
    const text = JSON.stringify(messages);
    for (const part of ['three magi', 'Budget: 5 FOG', 'sha256sum', 'deploy_agent_shard']) expect(text).toContain(part);
  });
});
