/** A router before two copies of the conformance fixture: one over stdio, one over Streamable HTTP, which is the reference too. */
import { fixture, tokenFor, Village } from '../e2e/lib/village.ts';
import { startHttpFixture } from '../fixtures/lib/start.ts';
import { addToken } from './with-token.ts';

export const UPSTREAMS = ['stdio', 'http'] as const;
export type Upstream = (typeof UPSTREAMS)[number];

/** What the pinned suite checks in each version that it knows of the legacy era. */
export const CHECKS = { '2025-11-25': 84, '2025-06-18': 56 } as const;
export type SpecVersion = keyof typeof CHECKS;
export const SPEC_VERSIONS = Object.keys(CHECKS) as SpecVersion[];

export interface Setup {
  /** The endpoint of the router in front of one copy. */
  through(upstream: Upstream): string;
  /** The fixture itself. */
  readonly reference: string;
  close(): Promise<void>;
}

export async function startSetup(): Promise<Setup> {
  const reference = await startHttpFixture('conformance.ts');
  const village = await Village.start({
    config: {
      mcpServers: { stdio: fixture('conformance.ts'), http: { url: reference.url.href } },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: ['stdio/*', 'http/*', 'prompt:*', 'resource:*'].map((match) => ({ match, level: 'OPERATOR' })),
    },
  });
  const adder = await addToken(village.url, tokenFor('alice'));
  return {
    through: (upstream) => adder.url(`/mcp/${upstream}`),
    reference: reference.url.href,
    async close() {
      await adder.close();
      await village.remove();
      await reference.stop();
    },
  };
}
