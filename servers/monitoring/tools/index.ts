/** The monitoring server's tools, in the order in which they are listed. */
import type { Tool } from '../../../shared/tool.ts';
import type { MonitoringDeps } from '../deps.ts';
import { systemPerformance } from './system-performance.ts';

export function monitoringTools(deps: MonitoringDeps): readonly Tool[] {
  return [systemPerformance(deps)];
}
