// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of the configuration are what is tested
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../../router/config/read-part.ts';
import { readServer } from '../../../../router/config/server-entry.ts';

/** As `service_register` reads an entry: no environment, no file. */
function register(id: string, entry: unknown) {
  const findings: Finding[] = [];
  const context = { folder: '/village', allowedCommands: undefined, maxTimeoutMs: 600_000 };
  const server = readServer(id, entry, ['server'], context, (finding) => findings.push(finding));
  return { server, findings: findings.map(({ text }) => text) };
}

describe('an entry that did not come from the owner of the file', () => {
  it('[B06] keeps placeholders as plain characters', () => {
    expect(register('x', { command: 'node', args: ['${HOME}'], env: { A: '${MCP_TOKEN}' } }).server).toMatchObject({
      args: ['${HOME}'],
      env: { A: '${MCP_TOKEN}' },
      cwd: '/village',
    });
    expect(register('x', { url: 'https://x.example/${HOME}', headers: { A: '${MCP_TOKEN}' } }).server).toMatchObject({
      url: 'https://x.example/$%7BHOME%7D',
      headers: { A: '${MCP_TOKEN}' },
    });
  });

  it('[B06] does not reach this machine unless it says so', () => {
    expect(register('x', { url: 'http://127.0.0.1:1/' }).server).toMatchObject({ allowPrivateAddress: false });
    expect(register('x', { url: 'http://127.0.0.1:1/', allowPrivateAddress: true }).server).toMatchObject({
      allowPrivateAddress: true,
    });
  });

  it.each(['../../x', '', 'a b', 'a/b', 'é', 'x'.repeat(65), 'a\nb'])('[D01] refuses the id %j', (id) => {
    const { server, findings } = register(id, { command: 'node' });
    expect(server).toBeUndefined();
    expect(findings).toEqual(['expected an id of 1 to 64 letters, digits, _ or -.']);
  });

  it("[D01] refuses the id of the router's own server", () => {
    const { server, findings } = register('router', { command: 'node' });
    expect(server).toBeUndefined();
    expect(findings).toEqual(["expected another id: router is the router's own server."]);
  });

  it.each([undefined, null, [], 'node', 5])('[D01] refuses %j as an entry', (entry) => {
    const { server, findings } = register('x', entry);
    expect(server).toBeUndefined();
    expect(findings).toEqual([expect.stringMatching(/^expected an object, got /)]);
  });
});
