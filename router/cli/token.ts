/**
 * Owns `aivillage token issue` and `token revoke`. Whoever can read the secret (the owner of the data folder, or who has
 * MCP_JWT_SECRET_KEY) can issue; standard output carries the token and nothing else.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { agentIdSchema, LEEWAY_SECONDS, levelSchema } from '../../shared/identity/claims.ts';
import { LEVEL_NAMES, type Level, levelName } from '../../shared/identity/levels.ts';
import { ROLES, type Role } from '../../shared/identity/roles.ts';
import { type IdentityCliDeps, withIdentity } from './identity-deps.ts';

interface IssueOptions {
  readonly agent: string;
  readonly level?: Level;
  readonly role?: Role;
  readonly ttl?: number;
  readonly audience?: string;
}

export function tokenCommand(deps: IdentityCliDeps): Command {
  const token = new Command('token').description('who may call: print an access token, or revoke one');
  token
    .command('issue')
    .description('print an access token on standard output')
    .requiredOption('--agent <name>', 'who the token names (its sub)', parseAgent)
    .option('--level <level>', `${LEVEL_NAMES.join(', ')} or 1 to 5; default: as configured for the agent`, parseLevel)
    .addOption(new Option('--role <role>', 'default: as configured for the agent, else user').choices(ROLES))
    .option('--ttl <duration>', 'such as 90s, 15m, 8h, 1d; default 15m', parseDuration)
    .option('--audience <name>', 'who the token is for; default: the router')
    .action((options: IssueOptions) => issue(deps, options));
  token
    .command('revoke')
    .description(
      'revoke a token by its id (jti), and the signed-in session that it came from; holds everywhere within a second',
    )
    .argument('<jti>', 'the id of the token', parseAgent)
    .action((tokenId: string) => revoke(deps, tokenId));
  return token;
}

async function issue(deps: IdentityCliDeps, options: IssueOptions): Promise<void> {
  const { agent: agentId, audience, ttl } = options;
  await withIdentity(deps, async (identity, settings) => {
    if (ttl !== undefined && ttl > identity.maxLifetimeSeconds) {
      throw new InvalidArgumentError(`--ttl is ${ttl} s; a token lives at most ${identity.maxLifetimeSeconds} s`);
    }
    const known = settings.agents(agentId);
    const level = options.level ?? known?.level;
    const issued = await identity.issuer.access({
      agentId,
      role: options.role ?? known?.role ?? 'user',
      ...(level === undefined ? {} : { level }),
      ...(audience === undefined ? {} : { audience }),
      ...(ttl === undefined ? {} : { ttlSeconds: ttl }),
    });
    await deps.audit({ event: 'token_issued', outcome: 'allowed', agentId, tokenId: issued.tokenId });
    const until = new Date(issued.expiresAt * 1000).toISOString();
    const trust = level === undefined ? 'READ_ONLY (no --level, and not a configured agent)' : levelName(level);
    deps.messages.write(
      `${agentId}, ${trust}, until ${until}; revoke with: aivillage token revoke ${issued.tokenId}\n`,
    );
    deps.output.write(`${issued.token}\n`);
  });
}

async function revoke(deps: IdentityCliDeps, tokenId: string): Promise<void> {
  await withIdentity(deps, async ({ revocations, refresher, maxLifetimeSeconds }, { now = Date.now }) => {
    // The token is not at hand: kept as long as any token issued by now can live.
    await revocations.revoke(tokenId, Math.ceil(now() / 1000) + maxLifetimeSeconds + 2 * LEEWAY_SECONDS);
    // Whoever holds it could get the next one by refreshing.
    const signedIn = await refresher.endFamilyOf(tokenId);
    await deps.audit({ event: 'token_revoked', outcome: 'allowed', tokenId });
    deps.messages.write(`Revoked ${tokenId}${signedIn ? ', and the session that it came from' : ''}\n`);
  });
}

function parseAgent(text: string): string {
  if (agentIdSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError('Expected 1 to 256 characters, none of them a control character.');
}

/** Exported for `user add`. */
export function parseLevel(text: string): Level {
  const { data } = levelSchema.safeParse(/^\d$/.test(text) ? Number(text) : text.toUpperCase());
  if (data === undefined) throw new InvalidArgumentError(`Expected one of ${LEVEL_NAMES.join(', ')}, or 1 to 5.`);
  return data;
}

const UNITS = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3_600],
  ['d', 86_400],
]);

function parseDuration(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(digits) * (UNITS.get(unit) ?? 0);
  if (seconds === 0) throw new InvalidArgumentError('Expected a duration such as 90s, 15m, 8h or 1d.');
  return seconds;
}
