/** Measures what a token costs: remembered, new (HS256), and an assertion handed out again. `--json` for figures only. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createAssertionMinter } from '../../shared/identity/assertions.ts';
import { openIdentity } from '../../shared/identity/open-identity.ts';
import { amount } from './amount.ts';

const TOKENS = 64;
const REMEMBERED = amount(500_000);
const NEW = amount(5_000, TOKENS);

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-tokens-'));
const identity = await openIdentity({ dataDir: folder, agents: () => undefined });
const microseconds = (startedAt: number, times: number) => ((performance.now() - startedAt) * 1000) / times;

async function issue(count: number): Promise<string[]> {
  const tokens: string[] = [];
  for (let i = 0; i < count; i++) {
    tokens.push((await identity.issuer.access({ agentId: `agent-${i}`, role: 'developer', level: 2 })).token);
  }
  return tokens;
}

try {
  // As they come from a socket: flat strings made from bytes, a new object each time.
  const bytes = (await issue(TOKENS)).map((token) => Buffer.from(token));
  for (const token of bytes) await identity.verifier.verify(token.toString('latin1'));
  const rememberedUs = () => {
    const startedAt = performance.now();
    for (let i = 0; i < REMEMBERED; i++) {
      if (identity.verifier.verify(bytes[i % TOKENS]!.toString('latin1')) instanceof Promise)
        throw new Error('not kept');
    }
    return microseconds(startedAt, REMEMBERED);
  };
  rememberedUs();
  const remembered = rememberedUs();

  const fresh = await issue(NEW);
  const startedAt = performance.now();
  for (const token of fresh) await identity.verifier.verify(token);
  const unknown = microseconds(startedAt, NEW);

  const { privateKey } = crypto.generateKeyPairSync('ed25519');
  const minter = createAssertionMinter({ privateKey, issuer: 'aivillage', now: Date.now });
  const caller = await identity.verifier.verify(bytes[0]!.toString('latin1'));
  await minter.get(caller, 'hyperrag');
  const mintedAt = performance.now();
  for (let i = 0; i < REMEMBERED; i++) minter.get(caller, 'hyperrag');
  const assertion = microseconds(mintedAt, REMEMBERED);

  const figures = { verify_remembered_us: remembered, verify_new_us: unknown, assertion_fresh_us: assertion };
  const lines = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(2)}`);
  process.stdout.write(`${process.argv.includes('--json') ? JSON.stringify(figures) : lines.join('\n')}\n`);
} finally {
  await identity.close();
  fs.rmSync(folder, { recursive: true });
}
