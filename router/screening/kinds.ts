/** What an argument is for, by its name: a text means another thing where commands are taken than where names are. */

/** What an argument takes: a name, a path, a number …; a line of text; what people write; what a machine runs or parses;
 * `literal`: whatever it is, nothing is made of it that runs or is parsed, so that it can only be aimed at a model. */
export type Kind = 'value' | 'line' | 'prose' | 'code' | 'literal';

const words = (text: string, kind: Kind) => text.split(' ').map((word): [string, Kind] => [word, kind]);

/** An argument's name says what it is for; what is not here takes values. */
const KINDS: ReadonlyMap<string, Kind> = new Map([
  ...words('title subject label labels caption headline', 'line'),
  ...words(
    'content contents text texts body document documents message messages description note notes reason',
    'prose',
  ),
  ...words('reasoning justification comment comments summary prompt query question q search markdown snippet', 'prose'),
  ...words('abstract feedback answer about bio value chunk passage transcript', 'prose'),
  ...words('sql statement command commands cmd script code source program args argv expression template html', 'code'),
  ...words('xml svg markup patch diff regex regexp pattern formula selector filter pipeline where jq xpath', 'code'),
  ...words('graphql old_str new_str file_text payload function yaml config', 'code'),
]);

export function kindOf(key: string, around: Kind): Kind {
  if (around === 'literal') return around;
  const kind = KINDS.get(key);
  if (kind === undefined) return around;
  return around === 'code' ? 'code' : kind;
}
