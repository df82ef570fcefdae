/** The fog server's resources, by theme. */
import type { Resource } from '../../shared/resource.ts';
import type { FogDeps } from './deps.ts';
import { forgeResources } from './forge/resources.ts';
import { moneyResources } from './money/resources.ts';
import { workResources } from './work/resources.ts';

export function fogResources(deps: FogDeps): readonly Resource[] {
  return [...workResources(deps), ...moneyResources(deps), ...forgeResources(deps)];
}
