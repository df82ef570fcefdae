import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uriTemplate } from '../../../shared/uri-template.ts';

describe('a URI template', () => {
  const template = uriTemplate('governance://proposals/{id}/votes/{voter}');

  it('[P11] finds back what was put into a URI, whatever it is', () => {
    // A lone surrogate has no UTF-8, so it cannot stand in a URI.
    const value = fc.string({ minLength: 1, unit: 'grapheme' });
    fc.assert(
      fc.property(value, value, (id, voter) => {
        const uri = `governance://proposals/${encodeURIComponent(id)}/votes/${encodeURIComponent(voter)}`;
        expect(template.match(uri)).toEqual({ id, voter });
      }),
    );
  });

  it.each([
    'governance://proposals/1/votes',
    'governance://proposals/1/votes/king/more',
    'governance://proposals//votes/king',
    'governance://other/1/votes/king',
    'governance://proposals/%ff/votes/king',
    'governance://proposals/%/votes/king',
    '',
  ])('[P11] does not match %s', (uri) => {
    expect(template.match(uri)).toBeUndefined();
  });

  it('[S3] takes a value named like a member of every object for a value', () => {
    expect(uriTemplate('a://{id}').match('a://__proto__')).toEqual({ id: '__proto__' });
  });

  it('[P11] refuses a variable that is only a part of a segment', () => {
    expect(() => uriTemplate('a://{x}-{y}')).toThrow('whole path segment');
  });
});
