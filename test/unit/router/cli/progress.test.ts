import { expect, it } from 'vitest';
import { showProgress } from '../../../../router/cli/progress.ts';

function shown(isTTY: boolean) {
  const written: string[] = [];
  let time = 0;
  const progress = showProgress({ isTTY, write: (text) => written.push(text) }, () => time);
  const wait = (ms: number) => {
    time += ms;
  };
  return { written, progress, wait };
}

it('[X2] writes one line again at a terminal, and takes it away at the end', () => {
  const { written, progress, wait } = shown(true);
  progress.at(1, 200, 'documents');
  wait(300);
  progress.at(50, 200, 'documents');
  progress.at(51, 200, 'documents');
  wait(300);
  progress.at(199, 200, 'documents');
  progress.end();
  expect(written).toEqual([
    '\r\u001b[K50 of 200 (25 %) documents',
    '\r\u001b[K199 of 200 (99 %) documents',
    '\r\u001b[K',
  ]);
});

it('[X2] writes a line now and then where nobody watches', () => {
  const { written, progress, wait } = shown(false);
  for (let second = 0; second < 12; second++) {
    progress.at(second, undefined, 'records');
    wait(1_000);
  }
  progress.end();
  expect(written).toEqual(['5 records\n', '10 records\n']);
});

it('[X2] says nothing of what is done at once, and obeys no word of a server', () => {
  const { written, progress, wait } = shown(true);
  progress.at(1, 1, 'file');
  progress.end();
  expect(written).toEqual([]);
  wait(300);
  progress.at(1, 0, `\u001b[2J${'x'.repeat(500)}`);
  expect(written[0]!.startsWith('\r\u001b[K1  [2Jxx')).toBe(true);
  expect(written[0]!.length).toBeLessThan(120);
});
