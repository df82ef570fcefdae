import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CoarseTimer } from '../../../../router/coarse-timer.ts';
import { Liveness } from '../../../../router/upstreams/liveness.ts';
import type { Answer } from '../../../../router/upstreams/peer.ts';
import type { Octets } from '../../../../shared/json/octets.ts';

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'] }),
);
afterEach(() => vi.useRealTimers());

const PONG: Answer = { ok: true, octets: '{}' as Octets };

/** A connection that answers pings while `works`, else lets them run into their limit. */
class Pinged {
  works = true;
  inFlight = 0;
  received = 0;
  pings = 0;
  isHeldBack = false;

  async request(_method: string, _params: undefined, { timeoutMs }: { timeoutMs: number }): Promise<Answer> {
    this.pings++;
    if (!this.works) {
      await new Promise((resolve) => setTimeout(resolve, timeoutMs));
      throw new Error('no answer');
    }
    this.received++;
    return PONG;
  }
}

function watched(hasSiblings: boolean) {
  const peer = new Pinged();
  const changes: string[] = [];
  const liveness: Liveness = new Liveness({
    timer: new CoarseTimer(),
    intervalMs: 30_000,
    hasSiblings,
    peer: () => peer,
    onChange: () =>
      changes.push(
        `${liveness.answers ? 'answers' : 'silent'}${liveness.isStalled ? ' stalled' : ''}${liveness.isOpen ? ' open' : ''}`,
      ),
  });
  return { peer, liveness, changes };
}

describe('liveness', () => {
  it('[O8] [R3] pings at its interval and tells when the answer stays out, and when it is back', async () => {
    const { peer, liveness, changes } = watched(false);
    await vi.advanceTimersByTimeAsync(29_900);
    expect(peer.pings).toBe(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(peer.pings).toBe(1);
    peer.works = false;
    await vi.advanceTimersByTimeAsync(36_000);
    expect(changes).toEqual(['silent']);
    peer.works = true;
    await vi.advanceTimersByTimeAsync(36_000);
    expect(changes).toEqual(['silent', 'answers']);
    liveness.stop();
  });

  it('[R3] doubts a copy with siblings after 0.6 s of silence under calls, and knows within 1.5 s', async () => {
    const { peer, liveness, changes } = watched(true);
    peer.inFlight = 3;
    peer.works = false;
    await vi.advanceTimersByTimeAsync(1_500);
    expect(changes).toEqual(['silent stalled']);
    peer.works = true;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(changes).toEqual(['silent stalled', 'answers']);
    liveness.stop();
  });

  it('[R3] asks nothing while calls are answered, and nothing while there are none', async () => {
    const { peer, liveness } = watched(true);
    await vi.advanceTimersByTimeAsync(10_000);
    peer.inFlight = 3;
    for (let at = 0; at < 10_000; at += 500) {
      peer.received++;
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(peer.pings).toBe(0);
    liveness.stop();
  });

  it('[R3] says nothing of a server that is held back because clients do not take what it answers', async () => {
    const { peer, liveness, changes } = watched(true);
    Object.assign(peer, { inFlight: 3, works: false, isHeldBack: true });
    await vi.advanceTimersByTimeAsync(40_000);
    expect(peer.pings).toBe(0);
    expect(changes).toEqual([]);
    liveness.stop();
  });

  it('[R3] lets a slow call be when pings are answered beside it', async () => {
    const { peer, liveness, changes } = watched(true);
    peer.inFlight = 1;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(peer.pings).toBeGreaterThan(10);
    expect(changes).toEqual([]);
    liveness.stop();
  });

  it('[R3] opens after five failures in a row and no answer between, and closes by a ping', async () => {
    const { peer, liveness } = watched(false);
    peer.works = false;
    for (let n = 0; n < 4; n++) liveness.failed();
    liveness.succeeded();
    for (let n = 0; n < 4; n++) liveness.failed();
    expect(liveness.isOpen).toBe(false);
    liveness.failed();
    expect(liveness.isOpen).toBe(true);
    peer.works = true;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(liveness.isOpen).toBe(false);
    liveness.stop();
  });

  it('[R3] whoever waits for it to close is told at once, or when its time is over', async () => {
    const { peer, liveness } = watched(false);
    for (let n = 0; n < 5; n++) liveness.failed();
    let told = false;
    void liveness.closed(10_000).then(() => (told = true));
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toBe(true);
    peer.works = false;
    for (let n = 0; n < 5; n++) liveness.failed();
    const late = liveness.closed(500);
    await vi.advanceTimersByTimeAsync(500);
    await late;
    expect(liveness.isOpen).toBe(true);
    liveness.stop();
  });
});
