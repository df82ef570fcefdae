/**
 * Loads what a page shows, and again when a resource changes, the router comes back, its user signed in again, or time has passed;
 * keeps the old meanwhile. A page that nobody sees loads nothing.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type VillageClient, VillageError } from '../../../client/index.ts';
import { useVillage } from './village.ts';

export interface Loaded<T> {
  readonly data: T | undefined;
  /** In words for a person. */
  readonly error: string | undefined;
  readonly reload: () => void;
}

export interface Again {
  readonly everyMs?: number;
  /** A resource that tells of changes. */
  readonly uri?: string;
  /** However often it changes; by default each time. Each load counts against its user's calls per minute. */
  readonly atMostEveryMs?: number;
}

export function useLoad<T>(load: (client: VillageClient) => Promise<T>, key: string, again: Again = {}): Loaded<T> {
  const { client, turn: signedIn } = useVillage();
  const [state, setState] = useState<{ data?: T; error?: string }>({});
  const [turn, setTurn] = useState(0);
  const { everyMs, uri, atMostEveryMs = 0 } = again;
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const paced = usePace(reload, atMostEveryMs);
  useEffect(() => {
    let isWanted = true;
    load(client).then(
      (data) => isWanted && setState({ data }),
      (error: unknown) => isWanted && setState((before) => ({ ...before, error: wordsOf(error) })),
    );
    return () => {
      isWanted = false;
    };
  }, [client, key, turn, signedIn]);
  useEffect(() => client.on(({ kind }) => (kind === 'reconnected' || kind === 'tools_changed') && reload()), [client]);
  useEffect(() => (uri === undefined ? undefined : client.subscribe(uri, paced)), [client, uri]);
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => !document.hidden && reload(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return { data: state.data, error: state.error, reload };
}

/** `run`, at once or when the time since the last run is over; when nobody sees the page, as soon as somebody does. */
function usePace(run: () => void, atMostEveryMs: number): () => void {
  const last = useRef(Number.NEGATIVE_INFINITY);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const isOwed = useRef(false);
  useEffect(() => {
    const onSeen = (): void => {
      if (document.hidden || !isOwed.current) return;
      isOwed.current = false;
      run();
    };
    document.addEventListener('visibilitychange', onSeen);
    return () => {
      document.removeEventListener('visibilitychange', onSeen);
      clearTimeout(timer.current);
    };
  }, []);
  return useCallback(() => {
    if (timer.current !== undefined) return;
    const waitMs = Math.max(0, last.current + atMostEveryMs - performance.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      last.current = performance.now();
      if (document.hidden) isOwed.current = true;
      else run();
    }, waitMs);
  }, []);
}

export function wordsOf(error: unknown): string {
  if (error instanceof VillageError) return error.message;
  return error instanceof Error ? `Unexpected: ${error.message}` : 'Unexpected';
}
