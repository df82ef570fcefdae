import { describe, expect, it } from 'vitest';
import { Sessions } from '../../../shared/serve/sessions.ts';

function make() {
  const ended: string[] = [];
  const sessions = new Sessions<string>({ maxSessions: 2, idleSessionMs: 100 });
  const add = (id: string, owner?: string) =>
    sessions.add(id, id, owner, 0, () => {
      ended.push(id);
      sessions.delete(id);
    });
  return { sessions, ended, add };
}

describe('the HTTP sessions', () => {
  it('[P1] end after the idle time, counted from the last use', () => {
    const { sessions, ended, add } = make();
    add('a');
    add('b');
    sessions.use('b', undefined, () => 50).release();
    sessions.sweep(99);
    expect(ended).toEqual([]);
    sessions.sweep(100);
    expect(ended).toEqual(['a']);
    sessions.sweep(150);
    expect(ended).toEqual(['a', 'b']);
  });

  it('[P1] do not end while an answer is open', () => {
    const { sessions, ended, add } = make();
    add('a');
    const use = sessions.use('a', undefined, () => 10);
    sessions.sweep(1_000);
    expect(ended).toEqual([]);
    use.release();
    sessions.sweep(1_000);
    expect(ended).toEqual(['a']);
  });

  it('[A6] belong to their owner; to others they look unknown', () => {
    const { sessions, add } = make();
    add('a', 'king');
    expect(sessions.use('a', 'king', () => 0).value).toBe('a');
    const foreign = () => sessions.use('a', 'magi', () => 0);
    const unknown = () => sessions.use('x', 'magi', () => 0);
    expect(foreign).toThrow('Unknown session');
    expect(unknown).toThrow('Unknown session');
  });

  it('[P1] are no more than may be', () => {
    const { sessions, add } = make();
    add('a');
    sessions.checkRoom();
    add('b');
    expect(() => sessions.checkRoom()).toThrow('holds 2 sessions');
  });
});
