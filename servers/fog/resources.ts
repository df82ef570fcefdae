/** The fog server's resources, by theme. */
import type { Resource } from '../../shared/resource.ts';
import type { FogDeps } from './deps.ts';
import { forgeResources } from './forge/resources.ts';
import { moneyResources } from './money/resources.ts';

/** Each theme adds its own list: work/resources.ts, money/resources.ts, forge/resources.ts. */
export function fogResources(deps: FogDeps): readonly Resource[] {
  return [...moneyResources(deps), ...forgeResources(deps)];
}
