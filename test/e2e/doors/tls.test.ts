import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { POST_HEADERS } from '../lib/raw-client.ts';
import { runCli, SECRET, tokenFor, Village } from '../lib/village.ts';

let folder: string;
let cert: string;
let key: string;
let village: Village;

/** A certificate for this machine's own names, made for this test by openssl. */
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const options = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
    '-subj',
    '/CN=localhost',
    '-addext',
    names,
  ];
  execFileSync('openssl', ['req', '-x509', ...options, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  village = await Village.start({ folder, config: {}, env: { MCP_TLS_CERT: cert, MCP_TLS_KEY: key } });
});
afterAll(() => village.remove());

interface Answered {
  readonly status: number;
  readonly protocol: string | null;
  readonly text: string;
  readonly challenge: string | undefined;
}

function post(options: https.RequestOptions, headers: Record<string, string>, body: string): Promise<Answered> {
  const { hostname, port } = new URL(village.url);
  return new Promise((resolve, reject) => {
    const request = https.request(
      { hostname, port, method: 'POST', path: '/mcp', ca: fs.readFileSync(cert), agent: false, headers, ...options },
      (response) => {
        const protocol = (response.socket as tls.TLSSocket).getProtocol();
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            protocol,
            text,
            challenge: response.headers['www-authenticate'],
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'tls', version: '1' } };
const initialize = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });

it('[S7] serves TLS 1.3 with the certificate it was given', async () => {
  expect(village.url).toMatch(/^https:/);
  const answer = await post({}, { ...POST_HEADERS, authorization: `Bearer ${tokenFor('alice')}` }, initialize);
  expect([answer.status, answer.protocol]).toEqual([200, 'TLSv1.3']);
  expect(answer.text).toContain('"protocolVersion":"2025-11-25"');
});

it('[S7] [A6] says https in its metadata and challenge', async () => {
  const answer = await post({}, POST_HEADERS, initialize);
  expect([answer.status, answer.challenge]).toEqual([
    401,
    `Bearer resource_metadata="${village.url}/.well-known/oauth-protected-resource/mcp"`,
  ]);
});

it.each(['TLSv1.2', 'TLSv1.1', 'TLSv1'] as const)('[S7] refuses %s', async (version) => {
  const { hostname, port } = new URL(village.url);
  const outcome = await new Promise<string>((resolve) => {
    const socket = tls.connect(
      // Without this OpenSSL would not even offer the old versions, and nothing would be proved.
      {
        host: hostname,
        port: Number(port),
        ca: fs.readFileSync(cert),
        minVersion: version,
        maxVersion: version,
        ciphers: 'ALL:@SECLEVEL=0',
      },
      () => resolve(`connected with ${socket.getProtocol()}`),
    );
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
  expect(outcome).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
});

it('[S7] answers nothing in clear on the TLS port, and goes on', async () => {
  const { hostname, port } = new URL(village.url);
  const text = await new Promise<string>((resolve) => {
    let received = '';
    const socket = net.connect(Number(port), hostname, () =>
      socket.write('GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'),
    );
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(received));
    socket.on('error', () => {});
  });
  expect(text).not.toContain('HTTP/');
  expect((await post({ method: 'GET', path: '/api/health' }, {}, '')).text).toBe('{"status":"healthy"}');
});

function start(env: Record<string, string>): ReturnType<typeof runCli> {
  const variables = {
    PATH: process.env.PATH,
    AIVILLAGE_DATA_DIR: path.join(folder, 'other'),
    MCP_JWT_SECRET_KEY: SECRET,
  };
  return runCli(['router', '--http', '0', '--config', village.configFile], { ...variables, ...env });
}

it.each(['0.0.0.0', '::', '192.0.2.1', 'gateway.example'])('[S7] refuses to bind %s without TLS', async (host) => {
  const { code, stdout, stderr } = await start({ MCP_HOST: host });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/MCP_HOST.*MCP_TLS_CERT/s);
});

it.each([
  ['a certificate without its key', () => ({ MCP_TLS_CERT: cert })],
  ['a key without its certificate', () => ({ MCP_TLS_KEY: key })],
  ['a certificate file that is not there', () => ({ MCP_TLS_CERT: path.join(folder, 'none.pem'), MCP_TLS_KEY: key })],
  ['a certificate that is none', () => ({ MCP_TLS_CERT: village.configFile, MCP_TLS_KEY: key })],
  ['a key that is not the certificate’s', () => ({ MCP_TLS_CERT: cert, MCP_TLS_KEY: cert })],
])('[S7] says in a sentence what is wrong with %s, and does not start', async (_what, env) => {
  const { code, stdout, stderr } = await start(env());
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/MCP_TLS_(CERT|KEY)/);
  expect(stderr).not.toMatch(/\n\s+at |PRIVATE KEY/);
});
