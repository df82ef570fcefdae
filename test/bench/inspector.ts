/** Asks a process that was started with `--inspect` to collect its garbage, and what then still lives. */
import { z } from 'zod';

const pages = z.array(z.object({ webSocketDebuggerUrl: z.string() })).min(1);
const answer = z.object({ id: z.number(), result: z.object({ result: z.object({ value: z.number() }) }) });

const LIVE_BYTES = '(({heapUsed, external}) => heapUsed + external)(process.memoryUsage())';
const ASKED_ID = 3;
const TIMEOUT_MS = 10_000;

/** Flags that open the inspector on this port without a line on stderr. */
export function inspectorFlags(port: number): string[] {
  return [`--inspect=127.0.0.1:${port}`, '--inspect-publish-uid=http'];
}

/** Bytes that live on the heap of the main thread, and outside of it for its objects, after two full collections. */
export async function liveBytes(port: number): Promise<number> {
  const listed = await fetch(`http://127.0.0.1:${port}/json/list`);
  const [page] = pages.parse(await listed.json());
  const socket = new WebSocket(page!.webSocketDebuggerUrl);
  try {
    return await new Promise<number>((resolve, reject) => {
      const fail = () => reject(new Error('the inspector does not answer'));
      socket.onerror = fail;
      socket.onclose = fail;
      setTimeout(fail, TIMEOUT_MS).unref();
      socket.onmessage = ({ data }) => {
        const asked = answer.safeParse(JSON.parse(String(data)));
        if (asked.success && asked.data.id === ASKED_ID) resolve(asked.data.result.result.value);
      };
      socket.onopen = () => {
        for (const id of [1, 2]) socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
        const params = { expression: LIVE_BYTES, returnByValue: true };
        socket.send(JSON.stringify({ id: ASKED_ID, method: 'Runtime.evaluate', params }));
      };
    });
  } finally {
    socket.close();
  }
}
