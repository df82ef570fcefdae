/** Composes the digital twin from the data folder, its settings, the router and the real clock. */
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { DEFAULT_RETENTION_DAYS, followRetentionPolicy } from '../../shared/client/retention-policy.ts';
import { createRouterClient, type RouterClient } from '../../shared/client/router-client.ts';
import type { Privacy } from '../../shared/privacy/privacy.ts';
import { type TwinSettings, twinKeyFile } from '../../shared/settings.ts';
import type { OpenServer, ServerEnvironment } from '../index.ts';
import type { TwinDeps } from './deps.ts';
import { createElevate, type Send } from './elevation/elevate.ts';
import { masterSource } from './keys/master-source.ts';
import { createVault } from './keys/vault.ts';
import { startSweeper } from './retention.ts';
import { createServer } from './server.ts';
import { createTwins } from './twins.ts';

export interface TwinParts {
  readonly send?: Send | undefined;
  readonly retentionDays?: () => number;
  readonly nowMs?: () => number;
  readonly dice?: (n: number) => number;
}

/** What holds where nobody says otherwise. */
const DEFAULTS: Omit<TwinSettings, 'keyFile'> = {
  passphrase: undefined,
  usesKeychain: false,
  minPeople: 5,
  epsilon: 0.5,
  epsilonBudget: 5,
};

export const open: OpenServer = async (environment) => {
  const { router, log } = environment;
  if (router === undefined) return createServer(openTwinServer(environment));
  const client = createRouterClient({ url: router.url, token: () => router.token(), name: 'digital-twin', log });
  const policy = followRetentionPolicy(client, log, () => void deps.sweep());
  const deps = openTwinServer(environment, { send: sendBy(client), retentionDays: () => policy.days() });
  const close = async (): Promise<void> => {
    policy.close();
    await deps.close();
    await client.close();
  };
  return { ...createServer(deps), close };
};

/** Opens no store and makes no key before somebody uses a twin. */
export function openTwinServer(
  { log, dataDir, twin: given }: Pick<ServerEnvironment, 'log' | 'dataDir' | 'twin'>,
  { send, retentionDays = () => DEFAULT_RETENTION_DAYS, nowMs = Date.now, dice = (n) => randomInt(n) }: TwinParts = {},
): TwinDeps & { sweep(): Promise<void> } {
  const settings: TwinSettings = given ?? { ...DEFAULTS, keyFile: twinKeyFile(dataDir) };
  const vault = createVault(dataDir, () => masterSource(settings, dataDir));
  const twins = createTwins({ dataDir, vault, nowMs, log });
  const sweeper = startSweeper(twins, retentionDays, log);
  return {
    twins,
    privacy: loadPrivacy,
    elevate: createElevate({ twins, privacy: loadPrivacy, rules: settings, dice, nowMs, log }),
    send,
    retentionDays,
    nowMs,
    sweep: () => sweeper.sweep(),
    async close() {
      await sweeper.close();
      await twins.close();
    },
  };
}

/** The dictionaries take half a second: not before somebody needs them. */
async function loadPrivacy(): Promise<Privacy> {
  const { openPrivacy } = await import('../../shared/privacy/privacy.ts');
  return openPrivacy();
}

const acceptedSchema = z.looseObject({ accepted: z.boolean(), knowledge_id: z.string().nullable() });

/** Under the twins' own identity: whose knowledge it is, is told to nobody. */
function sendBy(client: RouterClient): Send {
  return async ({ content, confidence, domain, privacy_level }) => {
    const answer = await client.call('knowledge_elevation', { content, confidence, domain, privacy_level });
    const { accepted, knowledge_id } = acceptedSchema.parse(answer);
    return { accepted, knowledgeId: knowledge_id };
  };
}
