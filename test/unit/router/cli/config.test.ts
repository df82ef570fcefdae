import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { configCommand } from '../../../../router/cli/config.ts';
import { HOSTS } from '../../../../router/cli/host-snippets.ts';
import { loadConfig } from '../../../../router/config/load.ts';
import { type Environment, readSettings } from '../../../../shared/settings.ts';

const LAUNCHER = path.resolve('router/bin/aivillage.mjs');

function run(args: string[], env: Environment = {}): string {
  let printed = '';
  const stdout = new Writable({
    write(chunk, _, done) {
      printed += String(chunk);
      done();
    },
  });
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  program.addCommand(
    configCommand({ settings: () => readSettings(env), stdout })
      .exitOverride()
      .configureOutput({ writeErr: () => undefined }),
  );
  program.parse(['config', ...args], { from: 'user' });
  return printed;
}

/** The JSON texts that are to be pasted. */
const pasted = (text: string) =>
  [...text.matchAll(/^\{$[\s\S]*?^\}$/gm)].map(([json]) => JSON.parse(json) as Record<string, Record<string, unknown>>);

describe('aivillage config', () => {
  it.each(HOSTS)('[C3] prints for %s what can be pasted, with whole paths', (host) => {
    const text = run([host]);
    const [stdio, http] = pasted(text);
    const entry = (stdio!.mcpServers ?? stdio!.servers)!.aivillage;
    expect(entry).toMatchObject({ command: process.execPath, args: [LAUNCHER, 'router', '--stdio'] });
    expect(fs.existsSync(LAUNCHER)).toBe(true);
    expect(entry).not.toHaveProperty('env');
    if (host === 'claude-desktop') expect(http).toBeUndefined();
    else expect((http!.mcpServers ?? http!.servers)!.aivillage).toMatchObject({ url: 'http://127.0.0.1:8083/mcp' });
    expect(text).toContain('npx aivillage token issue --agent NAME');
    expect(text).toContain('"MCP_TOKEN": "<token>"');
  });

  it.each([
    ['claude-desktop', ['~/Library/Application Support/Claude/', '%APPDATA%\\Claude\\', '~/.config/Claude/']],
    ['claude-code', ['.mcp.json']],
    [
      'vscode',
      [
        '~/Library/Application Support/Code/User/mcp.json',
        '%APPDATA%\\Code\\User\\mcp.json',
        '~/.config/Code/User/mcp.json',
      ],
    ],
    ['cursor', ['~/.cursor/mcp.json', '%USERPROFILE%\\.cursor\\mcp.json']],
  ])('[C3] says where %s keeps its file', (host, places) => {
    for (const place of places) expect(run([host])).toContain(place);
  });

  it('[C3] leads to the same data, configuration and address as the settings, and shows no secret', () => {
    const env = {
      AIVILLAGE_DATA_DIR: '/data',
      AIVILLAGE_CONFIG: '/etc/servers.json',
      MCP_HOST: '::1',
      MCP_PORT: '9000',
      MCP_TOKEN: 'canary-1c',
      MCP_JWT_SECRET_KEY: 'canary-of-at-least-thirty-two-bytes',
    };
    const text = run(['generic', '--json'], env);
    expect(JSON.parse(text)).toMatchObject({
      host: 'generic',
      stdio: {
        mcpServers: { aivillage: { env: { AIVILLAGE_DATA_DIR: '/data', AIVILLAGE_CONFIG: '/etc/servers.json' } } },
      },
      http: { mcpServers: { aivillage: { url: 'http://[::1]:9000/mcp' } } },
    });
    expect(text).not.toContain('canary');
  });

  it.each(['claude-desktop', 'claude-code', 'cursor', 'inspector'])(
    '[X1] prints for %s a stdio form that this router would read too',
    (host) => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'aivillage-host-'));
      try {
        const file = path.join(folder, 'mcp.json');
        fs.writeFileSync(file, JSON.stringify(pasted(run([host]))[0]));
        expect(loadConfig(file, {}).servers.get('aivillage')).toMatchObject({
          kind: 'stdio',
          command: process.execPath,
        });
      } finally {
        fs.rmSync(folder, { recursive: true });
      }
    },
  );

  it('[C3] refuses a host that it does not know, with those that it does', () => {
    expect(() => run(['emacs'])).toThrow(/claude-desktop, claude-code, vscode, cursor, inspector, generic/);
  });
});
