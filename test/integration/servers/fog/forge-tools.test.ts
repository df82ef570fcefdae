import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { call, type Json, openFogServer, read, watched } from '../../../fixtures/fog/server.ts';
import { floats, writeModel } from '../../../fixtures/fog/tensors.ts';

describe('models', () => {
  const MESSAGES = { messages: [{ role: 'user', content: 'How are you?' }] };

  /** An OpenAI-compatible server that keeps what it was asked. */
  async function serveModel(answer: (path: string, body: Json) => { status?: number; text: string }) {
    const asked: { path: string; body: Json; authorization: string | undefined }[] = [];
    const listener = http.createServer((request, response) => {
      let text = '';
      request.on('data', (piece: Buffer) => {
        text += piece.toString();
      });
      request.on('end', () => {
        const body = text === '' ? {} : (JSON.parse(text) as Json);
        asked.push({ path: request.url ?? '', body, authorization: request.headers.authorization });
        const { status = 200, text: out } = answer(request.url ?? '', body);
        response.writeHead(status, { 'content-type': 'application/json' }).end(out);
      });
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => void listener.close(() => resolve())));
    const { port } = listener.address() as AddressInfo;
    return { asked, endpoint: { url: `http://127.0.0.1:${port}/v1`, apiKey: 'a-key', model: 'small' } };
  }
  const completion = (content: string) =>
    JSON.stringify({ model: 'small-1', choices: [{ message: { content }, finish_reason: 'stop' }] });

  it("[J2] asks the model of the caller's own client when that offers it", async () => {
    const { asked, endpoint } = await serveModel(() => ({ text: completion('never') }));
    const { session } = await openFogServer(endpoint);
    const magi = await session('magi', {}, (text) => `You said: ${text}`);
    expect(await call(magi, 'model_chat', MESSAGES)).toEqual({
      text: 'You said: How are you?',
      model: 'of the client',
      via: 'sampling',
      stop_reason: 'endTurn',
    });
    expect(asked).toEqual([]);
  });

  it('[J2] does not go to the endpoint behind the back of a person who declined', async () => {
    const { asked, endpoint } = await serveModel(() => ({ text: completion('never') }));
    const { session } = await openFogServer(endpoint);
    const magi = await session('magi', {}, () => {
      throw new Error('no');
    });
    await expect(call(magi, 'model_chat', MESSAGES)).rejects.toThrow(/declined/);
    expect(asked).toEqual([]);
  });

  it('[J2] else asks the endpoint of the settings, with its key', async () => {
    const { asked, endpoint } = await serveModel(() => ({ text: completion('Fine.') }));
    const { session } = await openFogServer(endpoint);
    const magi = await session('magi');
    const args = { ...MESSAGES, system: 'Be brief', max_tokens: 9, temperature: 0.5 };
    expect(await call(magi, 'model_chat', args)).toEqual({
      text: 'Fine.',
      model: 'small-1',
      via: 'endpoint',
      stop_reason: 'stop',
    });
    expect(asked).toEqual([
      {
        path: '/v1/chat/completions',
        authorization: 'Bearer a-key',
        body: {
          model: 'small',
          messages: [{ role: 'system', content: 'Be brief' }, ...MESSAGES.messages],
          max_tokens: 9,
          temperature: 0.5,
          stream: false,
        },
      },
    ]);
  });

  it('[J2] says clearly that there is nobody to ask', async () => {
    const { session } = await openFogServer();
    const magi = await session('magi');
    await expect(call(magi, 'model_chat', MESSAGES)).rejects.toThrow(/no model to ask.*FORGE_MODEL_URL/);
    expect(await call(magi, 'models_list')).toEqual({ models: [], endpoint: 'not_configured' });
  });

  it.each([
    ['an error with a secret', { status: 500, text: '{"error":"key a-key is bad"}' }, /answered with 500/],
    ['no JSON', { text: '<html>' }, /no JSON/],
    ['no completion', { text: '{"choices":[]}' }, /no chat completion/],
    ['a redirection', { status: 302, text: '' }, /answered with 302|cannot be reached/],
    ['too much', { text: `"${'x'.repeat(9 * 2 ** 20)}"` }, /more than/],
  ])('[J2] tells of an endpoint that sends %s, and shows nothing of it', async (_, answer, text) => {
    const { endpoint } = await serveModel(() => answer);
    const { session } = await openFogServer(endpoint);
    const magi = await session('magi');
    const refused = await call(magi, 'model_chat', MESSAGES).catch((error: Error) => error.message);
    expect(refused).toMatch(text);
    expect(refused).not.toContain('a-key');
    expect(await call(magi, 'models_list')).toMatchObject({ endpoint: 'unavailable' });
  });

  it('[J2] lists the models of the endpoint beside the files', async () => {
    const { endpoint } = await serveModel(() => ({
      text: JSON.stringify({ data: [{ id: 'small' }, { id: 'large' }] }),
    }));
    const { session } = await openFogServer(endpoint);
    const { models, endpoint: state } = await call(await session('magi'), 'models_list');
    expect(state).toBe('available');
    expect(models).toMatchObject([
      { model: 'small', source: 'endpoint', use: 'chat' },
      { model: 'large', source: 'endpoint', use: 'chat' },
    ]);
  });

  it('[J1] [J3] who watches a training and the models hears of both', async () => {
    const { session, models } = await openFogServer();
    const magi = await session('magi');
    writeModel(path.join(models, 'tiny.safetensors'), [floats('w', 'F32', [2, 2], [1, -1, 0.5, 0])]);
    const made = await watched(magi, 'forge://models');
    const args = { phase_name: 'BitNet', parameters: { model: 'tiny.safetensors' } };
    const { task_id } = await call(magi, 'forge_start_training', args);
    const stepped = await watched(magi, `forge://training/${task_id}`);
    await call(magi, 'forge_training_status', { task_id, wait_seconds: 20 });
    await Promise.all([made(), stepped()]);
    expect(await read(magi, `forge://training/${task_id}`)).toMatchObject({ status: 'succeeded' });
  });

  it("[J1] a training is its owner's, and waiting for it tells of progress", async () => {
    const { session } = await openFogServer();
    const [magi, oracle] = [await session('magi'), await session('oracle')];
    const { task_id, status } = await call(magi, 'forge_start_training', {
      phase_name: 'BitNet',
      parameters: { model: 'none' },
    });
    expect(status).toBe('queued');
    const progress: number[] = [];
    const result = await magi.callTool(
      { name: 'forge_training_status', arguments: { task_id, wait_seconds: 20 } },
      undefined,
      { onprogress: ({ progress: share }) => progress.push(share) },
    );
    expect(result.structuredContent).toMatchObject({
      trainings: [{ status: 'failed', message: expect.stringMatching(/Unknown model/) }],
    });
    expect(progress.length).toBeGreaterThan(0);
    await expect(call(oracle, 'forge_training_status', { task_id })).rejects.toThrow(/Unknown training/);
    await expect(oracle.readResource({ uri: `forge://training/${task_id}` })).rejects.toMatchObject({ code: -32602 });
    await expect(oracle.subscribeResource({ uri: `forge://training/${task_id}` })).rejects.toMatchObject({
      code: -32602,
    });
    expect(await read(magi, `forge://training/${task_id}`)).toMatchObject({ task_id, status: 'failed' });
    await expect(call(magi, 'forge_stop_training', { task_id })).rejects.toThrow(/is failed/);
  });
});
