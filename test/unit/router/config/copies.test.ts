// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of the configuration are what is tested
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readServer } from '../../../../router/config/server-entry.ts';

const FOLDER = path.resolve('/srv/village');

function read(entry: object, env: Record<string, string> = {}) {
  const mistakes: string[] = [];
  const context = { folder: FOLDER, allowedCommands: undefined, maxTimeoutMs: 600_000, env };
  const server = readServer('x', entry, ['mcpServers', 'x'], context, ({ path: at, text }) =>
    mistakes.push(`${at.join('.')}: ${text}`),
  );
  return { server, mistakes };
}

describe('copies of an entry', () => {
  it('[R2] a number says how many', () => {
    expect(read({ command: 'node', replicas: 3 }).server).toMatchObject({ replicas: 3 });
    expect(read({ command: 'node' }).server).toMatchObject({ replicas: 1 });
  });

  it('[R2] a list says of each what is other than in the entry', () => {
    const { server, mistakes } = read(
      {
        command: 'node',
        args: ['a.js'],
        env: { A: '1' },
        replicas: [{}, { args: ['b.js'], cwd: 'work', priority: 5 }, { env: { A: '${B}' } }],
      },
      { B: 'filled' },
    );
    expect(mistakes).toEqual([]);
    expect(server).toMatchObject({
      replicas: 3,
      copies: [
        { priority: 1, command: 'node', args: ['a.js'], env: { A: '1' }, cwd: FOLDER },
        { priority: 5, args: ['b.js'], env: { A: '1' }, cwd: path.join(FOLDER, 'work') },
        { priority: 1, args: ['a.js'], env: { A: 'filled' } },
      ],
    });
  });

  it('[R2] of a remote server a text is an address, with the headers of the entry', () => {
    const { server } = read({
      url: 'https://a.example/mcp',
      headers: { 'x-key': 'k' },
      replicas: ['https://a.example/mcp', { url: 'http://127.0.0.1:1/mcp', headers: {}, priority: 2 }],
    });
    expect(server).toMatchObject({
      copies: [
        { url: 'https://a.example/mcp', headers: { 'x-key': 'k' }, allowPrivateAddress: false, priority: 1 },
        { url: 'http://127.0.0.1:1/mcp', headers: {}, allowPrivateAddress: true, priority: 2 },
      ],
    });
  });

  it.each<[string, object, RegExp]>([
    [
      'another kind of server',
      { command: 'node', replicas: ['https://a.example/mcp'] },
      /replicas\.0\.url: expected a known key/,
    ],
    [
      'a command that is not allowed',
      { command: 'node', replicas: [{ command: 'sh' }] },
      /replicas\.0\.command: expected an allowed command/,
    ],
    [
      'a key that copies share',
      { command: 'node', replicas: [{ prefix: '' }] },
      /replicas\.0\.prefix: expected a known key/,
    ],
    [
      'a priority beyond',
      { command: 'node', replicas: [{ priority: 0 }] },
      /replicas\.0\.priority: expected a whole number from 1 to 100/,
    ],
    [
      'no address',
      { url: 'https://a.example', replicas: ['not one'] },
      /replicas\.0\.url: expected an http or https URL/,
    ],
    [
      'none at all',
      { command: 'node', replicas: [] },
      /replicas: expected a whole number from 1 to 32, or a list of as many copies/,
    ],
    ['too many', { command: 'node', replicas: Array(33).fill({}) }, /replicas: expected a whole number from 1 to 32/],
    ['no copy', { command: 'node', replicas: [7] }, /replicas\.0: expected an object/],
  ])('[R2] [S6] refuses %s', (_, entry, mistake) => {
    const { server, mistakes } = read(entry);
    expect(server).toBeUndefined();
    expect(mistakes.join('\n')).toMatch(mistake);
  });

  it('[S6] is a server of ours only when every copy is', () => {
    const launcher = path.resolve(import.meta.dirname, '../../../../router/bin/aivillage.mjs');
    const readOwn = (entry: object) => {
      const context = { folder: FOLDER, allowedCommands: undefined, maxTimeoutMs: 600_000, env: {} };
      return readServer('fog', entry, [], context, () => {});
    };
    const own = { command: 'node', args: [launcher, 'serve', 'fog'] };
    expect(readOwn({ ...own, replicas: [{}, {}] })).toMatchObject({ isBuiltIn: true });
    expect(readOwn({ ...own, replicas: [{}, { env: { NODE_OPTIONS: '--import=x' } }] })).toMatchObject({
      isBuiltIn: false,
    });
  });
});

describe('the sandbox of an entry', () => {
  it('[S6] has its folders by that of the file, and no network unless it is allowed', () => {
    const sandbox = { readable: ['lib'], writable: ['/var/x'] };
    expect(read({ command: 'node', securityProfile: { sandbox } }).server).toMatchObject({
      sandbox: { network: false, readable: [path.join(FOLDER, 'lib')], writable: ['/var/x'] },
    });
    expect(read({ command: 'node', securityProfile: { sandbox: true } }).server).toMatchObject({
      sandbox: { network: false, readable: [], writable: [] },
    });
    expect(read({ command: 'node', securityProfile: { sandbox: false } }).server).not.toHaveProperty('sandbox');
  });

  it('[S6] is a mistake where the process is not ours to put into one', () => {
    expect(read({ url: 'https://a.example', securityProfile: { sandbox: true } }).mistakes).toEqual([
      'mcpServers.x.securityProfile.sandbox: expected no sandbox: the process of a remote server is not ours to put into one.',
    ]);
    expect(read({ command: 'node', securityProfile: { sandbox: { net: true } } }).mistakes).toHaveLength(1);
  });
});
