/** The fog server's tools, in the order in which they are listed. */
import type { Tool } from '../../../shared/tool.ts';
import type { FogDeps } from '../deps.ts';
import { forgeTools } from './forge.ts';
import { moneyTools } from './money.ts';
import { workTools } from './work.ts';

export function fogTools(deps: FogDeps): readonly Tool[] {
  return [...workTools(deps), ...moneyTools(deps), ...forgeTools(deps)];
}
