/**
 * The rows of everything built in: who may use which tool, resource and prompt, and under which conditions (M1). Only rows
 * stand here; shared/matrix/ decides by them. A tool without a row does not compile.
 */
import { EXECUTE_PERMISSION, GATE_PERMISSION } from './identity/roles.ts';
import type { PermissionRow } from './matrix/rows.ts';

/** All built-in tools by the server that owns them. No other server may list one of these names. */
export const BUILT_IN_TOOLS = {
  router: [
    'service_list',
    'service_status',
    'service_register',
    'service_remove',
    'permission_explain',
    'audit_query',
    'emergency_system_shutdown',
    'emergency_system_resume',
    'call_binding',
    'approved_call',
  ],
  governance: [
    'governance_proposal',
    'governance_vote',
    'governance_status',
    'king_override_vote',
    'governance_policy',
    'governance_resolve',
    'governance_gate',
  ],
  hyperrag: [
    'hyperrag_query',
    'hyperrag_ingest',
    'hyperrag_memory',
    'hyperrag_graph',
    'hyperrag_feedback',
    'hyperrag_gaps',
    'context_update',
    'context_get',
    'context_query',
    'context_set_priority',
    'context_clear',
    'knowledge_elevation',
  ],
  monitoring: [
    'system_performance',
    'system_diagnostics',
    'diagnostics_report',
    'monitoring_alerts',
    'workflow_analyze',
    'audio_analyze',
  ],
} as const;

export type BuiltInTool = (typeof BUILT_IN_TOOLS)[keyof typeof BUILT_IN_TOOLS][number];

const manageServices = {
  level: 'EMERGENCY',
  permission: 'system:manage_services',
  justification: true,
  approval: 'major_change',
} as const;

const stopAndResume = { level: 'EMERGENCY', permission: 'system:emergency_stop' } as const;
/** Between the router and the governance server. Nobody else can hold what these ask for, so nobody sees them. */
const execute = { level: 'READ_ONLY', permission: EXECUTE_PERMISSION } as const;
/** The call within has its own limit; this one must not end before it. */
const LONGEST_MS = 86_400_000;
/** Hours of sound take minutes. */
const LONG_MS = 600_000;

const tools = {
  service_list: { level: 'READ_ONLY' },
  service_status: { level: 'READ_ONLY' },
  service_register: manageServices,
  service_remove: manageServices,
  permission_explain: { level: 'READ_ONLY' },
  audit_query: { level: 'GOVERNANCE', permission: 'audit:read' },
  emergency_system_shutdown: stopAndResume,
  emergency_system_resume: stopAndResume,
  call_binding: execute,
  approved_call: { ...execute, timeoutMs: LONGEST_MS },
  governance_proposal: { level: 'OPERATOR', permission: 'governance:propose' },
  governance_vote: { level: 'OPERATOR', permission: 'governance:vote' },
  governance_status: { level: 'READ_ONLY', permission: 'governance:read' },
  king_override_vote: { level: 'EMERGENCY', permission: 'governance:vote' },
  governance_policy: { level: 'GOVERNANCE', permission: 'governance:set_policy' },
  governance_resolve: { level: 'OPERATOR', permission: 'governance:vote' },
  governance_gate: { level: 'READ_ONLY', permission: GATE_PERMISSION },
  hyperrag_query: { level: 'READ_ONLY' },
  hyperrag_ingest: { level: 'OPERATOR' },
  hyperrag_memory: { level: 'OPERATOR' },
  hyperrag_graph: { level: 'READ_ONLY' },
  hyperrag_feedback: { level: 'OPERATOR' },
  hyperrag_gaps: { level: 'READ_ONLY' },
  context_update: { level: 'OPERATOR' },
  context_get: { level: 'READ_ONLY' },
  context_query: { level: 'READ_ONLY' },
  context_set_priority: { level: 'OPERATOR' },
  context_clear: { level: 'OPERATOR' },
  knowledge_elevation: { level: 'OPERATOR' },
  system_performance: { level: 'READ_ONLY' },
  system_diagnostics: { level: 'READ_ONLY' },
  // These two show others' calls only to whom audit_query would.
  diagnostics_report: { level: 'READ_ONLY', permission: 'monitoring:read' },
  workflow_analyze: { level: 'READ_ONLY', permission: 'monitoring:read' },
  // Changing asks for OPERATOR and monitoring:manage_alerts within.
  monitoring_alerts: { level: 'READ_ONLY', permission: 'monitoring:read' },
  audio_analyze: { level: 'OPERATOR', timeoutMs: LONG_MS },
} as const satisfies Record<BuiltInTool, Omit<PermissionRow, 'match'>>;

const resources: readonly PermissionRow[] = [
  { match: 'resource:governance://*', level: 'READ_ONLY', permission: 'governance:read' },
  { match: 'resource:hyperrag://*', level: 'READ_ONLY' },
  { match: 'resource:monitoring://*', level: 'READ_ONLY' },
  { match: 'resource:village://*', level: 'READ_ONLY' },
  // Names of all servers and tools are in it.
  { match: 'resource:village://metrics', level: 'READ_ONLY', permission: 'monitoring:diagnose' },
];

const prompts: readonly PermissionRow[] = [
  { match: 'prompt:answer_with_citations', level: 'READ_ONLY' },
  { match: 'prompt:find_knowledge_gaps', level: 'READ_ONLY' },
  { match: 'prompt:capacity_review', level: 'READ_ONLY' },
  { match: 'prompt:incident_report', level: 'READ_ONLY' },
  { match: 'prompt:review_proposal', level: 'READ_ONLY', permission: 'governance:read' },
];

export const BUILT_IN_ROWS: readonly PermissionRow[] = [
  ...Object.entries(tools).map(([match, row]) => ({ match, ...row })),
  ...resources,
  ...prompts,
];
