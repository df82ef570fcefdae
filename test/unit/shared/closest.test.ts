import { describe, expect, it } from 'vitest';
import { closest } from '../../../shared/closest.ts';

const KEYS = ['command', 'args', 'env', 'mcpServers', 'securityProfile', 'risk_level', 'MCP_LOG_LEVEL', 'MCP_HOST'];

describe('closest', () => {
  it.each([
    ['comand', 'command'],
    ['commnad', 'command'],
    ['Command', 'command'],
    ['arg', 'args'],
    ['mcp_servers', 'mcpServers'],
    ['security-profile', 'securityProfile'],
    ['enviroment', 'env'],
    ['risk', 'risk_level'],
    ['MCP_LOGLEVEL', 'MCP_LOG_LEVEL'],
    ['x', undefined],
    ['zebra', undefined],
    ['', undefined],
    ['a'.repeat(1_000_000), undefined],
  ])('[X1] for %.20s means %s', (word, meant) => {
    expect(closest(word, KEYS)).toBe(meant);
  });
});
