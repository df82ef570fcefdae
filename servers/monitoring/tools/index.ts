/** The monitoring server's tools, in the order in which they are listed. */
import type { Tool } from '../../../shared/tool.ts';
import type { MonitoringDeps } from '../deps.ts';
import { audioAnalyze } from './audio-analyze.ts';
import { diagnosticsReport } from './diagnostics-report.ts';
import { monitoringAlerts } from './monitoring-alerts.ts';
import { systemDiagnostics } from './system-diagnostics.ts';
import { systemPerformance } from './system-performance.ts';
import { workflowAnalyze } from './workflow-analyze.ts';

export function monitoringTools(deps: MonitoringDeps): readonly Tool[] {
  return [
    systemPerformance(deps),
    systemDiagnostics(deps),
    diagnosticsReport(deps),
    monitoringAlerts(deps),
    workflowAnalyze(deps),
    audioAnalyze(deps),
  ];
}
