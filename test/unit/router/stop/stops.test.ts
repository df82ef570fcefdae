import { expect, it } from 'vitest';
import { covers, parseScope } from '../../../../router/stop/stops.ts';

const call = { serverId: 'work', isRouter: false, tool: 'work__do', agentId: 'alice' };

it.each([
  ['all', true],
  ['server:work', true],
  ['server:other', false],
  ['tool:work__do', true],
  ['tool:do', false],
  ['agent:alice', true],
  ['agent:bob', false],
])('[E1] the scope %s covers a call of alice at work: %s', (scope, expected) => {
  expect(covers({ scope }, call)).toBe(expected);
});

it.each([
  ['all', false],
  ['server:router', false],
  ['tool:emergency_system_resume', false],
  ['agent:alice', true],
])(
  "[E1] the scope %s covers one of the router's own tools: %s, so that a stop can be seen and ended",
  (scope, expected) => {
    const own = { serverId: 'router', isRouter: true, tool: 'emergency_system_resume', agentId: 'alice' };
    expect(covers({ scope }, own)).toBe(expected);
  },
);

it.each(['', 'everything', 'server:', 'server', 'tool:\n', `agent:${'x'.repeat(300)}`])(
  '[E1] refuses the scope %j',
  (scope) => {
    expect(() => parseScope(scope)).toThrow(/must be all, server:ID/);
  },
);
