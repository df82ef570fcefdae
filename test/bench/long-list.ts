/** Measures `tools/list` where many upstreams have many tools: each list asked for in turn, all pages of it. */
import { ClientSession } from './client-session.ts';
import { Connection } from './connection.ts';
import { median } from './median.ts';
import type { Processes } from './processes.ts';
import { startTarget } from './targets.ts';

export interface LongList {
  readonly upstreams: number;
  readonly tools: number;
  /** From the request to the last byte of the last page: the median. */
  readonly listMs: number;
  /** From spawn until the echo tool was listed. */
  readonly startMs: number;
}

const UPSTREAMS = 10;
const TOOLS_EACH = 100;
const COMPLETE_WITHIN_MS = 20_000;

/** Rejects when not all tools are listed in the end. */
export async function measureLongList(processes: Processes, lists: number): Promise<LongList> {
  const target = await startTarget(processes, 'router', {
    upstream: 'stdio',
    upstreams: UPSTREAMS,
    tools: TOOLS_EACH,
  });
  const url = new URL(target.url);
  const connection = new Connection(url);
  const session = new ClientSession(url, target.tokens[0]!);
  try {
    await session.open(connection);
    const deadline = performance.now() + COMPLETE_WITHIN_MS;
    const benchTools = async () => {
      const { tools, milliseconds } = await session.list(connection);
      return { count: tools.filter(({ name }) => name.startsWith('bench')).length, milliseconds };
    };
    while ((await benchTools()).count < UPSTREAMS * TOOLS_EACH) {
      if (performance.now() > deadline) throw new Error('not all tools of all upstreams are listed');
    }
    const times: number[] = [];
    for (let i = 0; i < lists; i++) {
      const { count, milliseconds } = await benchTools();
      if (count !== UPSTREAMS * TOOLS_EACH) throw new Error(`${count} tools are listed`);
      times.push(milliseconds);
    }
    return { upstreams: UPSTREAMS, tools: UPSTREAMS * TOOLS_EACH, listMs: median(times), startMs: target.startMs };
  } finally {
    connection.close();
    await target.stop();
  }
}
