import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { readConfig } from '../../../../router/config/load.ts';
import { ConfigError } from '../../../../router/config/mistake.ts';

/** There, but the file is not: what is read is given. */
const FOLDER = os.tmpdir();
const LIMITS = { maxServers: 10, maxTimeoutMs: 1_000 };

function read(parts: object) {
  return readConfig(
    Buffer.from(JSON.stringify({ mcpServers: {}, ...parts }, null, 1)),
    path.join(FOLDER, 'v.json'),
    {},
    LIMITS,
  );
}

it('[F6] [X1] reads what is issued, and defaults without the section', () => {
  const { economy } = read({ economy: { issuance: [{ id: 'a', to: 'agent:magi', amount: '1.5' }], min_stake: 2 } });
  expect(economy).toMatchObject({
    issuance: [{ id: 'a', to: { agentId: 'magi' }, amount: 1_500_000n }],
    minStake: 2_000_000n,
    disputeWindowMs: 600_000,
  });
  expect(read({}).economy).toMatchObject({ issuance: [], rewards: { cpuSecond: 100n, gbHour: 10_000n } });
});

it("[J1] [X1] reads what the forge may run, its paths from the file's own folder", () => {
  const { forge } = read({
    forge: {
      models: ['models', '/data/models'],
      phases: { ADAS: { command: './adas', args: ['./a.txt', 'b'], timeout_minutes: 1 } },
      scoring: { near: { command: 'node' } },
    },
  });
  expect(forge.models).toEqual([path.join(FOLDER, 'models'), '/data/models']);
  expect(forge.phases.get('ADAS')).toEqual({
    command: path.join(FOLDER, 'adas'),
    args: [path.join(FOLDER, 'a.txt'), 'b'],
    timeoutMs: 60_000,
  });
  expect(forge.scoring.get('near')).toEqual({ command: 'node', args: [], timeoutMs: 86_400_000 });
});

it('[X1] tells every mistake of both sections with its place', () => {
  const bad = {
    economy: { issuance: [{ id: 'a', to: 'treasury', amount: -1 }], prices: { cpu_hour: 'much' } },
    forge: { phases: { BitNet: { command: 'x' } }, scoring: { 'No Name': { command: 'x' } }, models: [''] },
  };
  let thrown: unknown;
  try {
    read(bad);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConfigError);
  const places = (thrown as ConfigError).mistakes.map(({ path, line }) => [path.slice(0, 3).join('.'), line > 1]);
  for (const place of ['economy.issuance.0', 'economy.prices.cpu_hour', 'forge.models.0']) {
    expect(places).toContainEqual([place, true]);
  }
  expect(places.filter(([place]) => String(place).startsWith('forge.')).length).toBeGreaterThanOrEqual(3);
});
