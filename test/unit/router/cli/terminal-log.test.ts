import { expect, it } from 'vitest';
import { problemsOnly } from '../../../../router/cli/terminal-log.ts';
import { createLogger } from '../../../../shared/logger.ts';

it('[X5] shows who watches a terminal what is wrong, and not what is as it should be', () => {
  const shown: string[] = [];
  const log = createLogger({
    name: 'router',
    level: 'debug',
    stream: problemsOnly({ write: (line) => shown.push(line) }),
  });
  log.debug('looked');
  log.info({ level: 'error' }, 'ready');
  log.warn('an old Node');
  log.error({ server: 'files' }, 'it ended');
  expect(shown.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['an old Node', 'it ended']);
});
