/** The digital twin's tools, in the order in which they are listed. */
import type { Tool } from '../../../shared/tool.ts';
import type { TwinDeps } from '../deps.ts';
import { miniRagQuery } from './mini-rag-query.ts';
import { privacyScan } from './privacy-scan.ts';
import { twinConsent } from './twin-consent.ts';
import { twinElevate } from './twin-elevate.ts';
import { twinErase } from './twin-erase.ts';
import { twinExport } from './twin-export.ts';
import { twinObserve } from './twin-observe.ts';
import { twinPreferences } from './twin-preferences.ts';

export function twinTools(deps: TwinDeps): readonly Tool[] {
  return [
    twinObserve(deps),
    miniRagQuery(deps),
    twinPreferences(deps),
    privacyScan(deps),
    twinConsent(deps),
    twinElevate(deps),
    twinExport(deps),
    twinErase(deps),
  ];
}
