/** Loads what a page shows, again when a resource changes, the router comes back, or time has passed; keeps the old meanwhile. */
import { useCallback, useEffect, useState } from 'preact/hooks';
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
  /** A resource. */
  readonly uri?: string;
}

export function useLoad<T>(load: (client: VillageClient) => Promise<T>, key: string, again: Again = {}): Loaded<T> {
  const { client } = useVillage();
  const [state, setState] = useState<{ data?: T; error?: string }>({});
  const [turn, setTurn] = useState(0);
  const { everyMs, uri } = again;
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  useEffect(() => {
    let isWanted = true;
    load(client).then(
      (data) => isWanted && setState({ data }),
      (error: unknown) => isWanted && setState((before) => ({ ...before, error: wordsOf(error) })),
    );
    return () => {
      isWanted = false;
    };
  }, [client, key, turn]);
  useEffect(() => client.on(({ kind }) => (kind === 'reconnected' || kind === 'tools_changed') && reload()), [client]);
  useEffect(() => (uri === undefined ? undefined : client.subscribe(uri, reload)), [client, uri]);
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(reload, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return { data: state.data, error: state.error, reload };
}

export function wordsOf(error: unknown): string {
  if (error instanceof VillageError) return error.message;
  return error instanceof Error ? `Unexpected: ${error.message}` : 'Unexpected';
}
