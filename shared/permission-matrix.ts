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
    'audit_verify',
    'tool_search',
    'tool_load',
    'tool_report',
    'definition_review',
    'definition_approve',
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
  fog: [
    'fog_resources',
    'deploy_agent_shard',
    'fog_shards',
    'fog_stop_shard',
    'fog_submit_job',
    'fog_job_status',
    'fog_cancel_job',
    'fog_offer',
    'fog_market',
    'fog_request_service',
    'fog_contracts',
    'fog_resolve_dispute',
    'fog_tokens',
    'fog_stake',
    'fog_transfer',
    'fog_harvesting',
    'forge_phases',
    'forge_start_training',
    'forge_training_status',
    'forge_stop_training',
    'models_list',
    'model_chat',
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
  'digital-twin': [
    'twin_observe',
    'mini_rag_query',
    'twin_preferences',
    'privacy_scan',
    'twin_consent',
    'twin_elevate',
    'twin_export',
    'twin_erase',
  ],
  p2p: [
    'p2p_status',
    'p2p_peers',
    'p2p_connect',
    'p2p_disconnect',
    'p2p_announce',
    'discover_fog_nodes',
    'bitchat_send',
    'bitchat_inbox',
    'p2p_broadcast',
    'betanet_open_circuit',
    'betanet_send',
    'betanet_close_circuit',
    'betanet_listen',
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
/** Waiting for a training may take ten minutes, a person's look at a question to a model five. */
const TRAINING_WAIT_MS = 610_000;
const CHAT_MS = 310_000;

const tools = {
  service_list: { level: 'READ_ONLY' },
  service_status: { level: 'READ_ONLY' },
  service_register: manageServices,
  service_remove: manageServices,
  permission_explain: { level: 'READ_ONLY' },
  audit_query: { level: 'GOVERNANCE', permission: 'audit:read' },
  audit_verify: { level: 'GOVERNANCE', permission: 'audit:read' },
  tool_search: { level: 'READ_ONLY' },
  tool_load: { level: 'READ_ONLY' },
  tool_report: { level: 'GOVERNANCE', permission: 'audit:read' },
  definition_review: { level: 'GOVERNANCE', permission: 'system:manage_services' },
  definition_approve: {
    level: 'GOVERNANCE',
    permission: 'system:manage_services',
    justification: true,
    approval: 'minor_change',
  },
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
  fog_resources: { level: 'READ_ONLY', permission: 'fog:read' },
  deploy_agent_shard: { level: 'OPERATOR', permission: 'fog:deploy_shard' },
  fog_shards: { level: 'READ_ONLY', permission: 'fog:read' },
  fog_stop_shard: { level: 'OPERATOR', permission: 'fog:deploy_shard' },
  fog_submit_job: { level: 'OPERATOR', permission: 'fog:submit_job' },
  fog_job_status: { level: 'READ_ONLY', permission: 'fog:read' },
  fog_cancel_job: { level: 'OPERATOR', permission: 'fog:submit_job' },
  fog_offer: { level: 'OPERATOR', permission: 'fog:use_marketplace' },
  fog_market: { level: 'READ_ONLY', permission: 'fog:read' },
  fog_request_service: { level: 'OPERATOR', permission: 'fog:use_marketplace' },
  fog_contracts: { level: 'OPERATOR', permission: 'fog:use_marketplace' },
  fog_resolve_dispute: { level: 'OPERATOR', permission: 'fog:use_marketplace', approval: 'major_change' },
  fog_tokens: { level: 'READ_ONLY', permission: 'fog:read' },
  fog_stake: { level: 'OPERATOR', permission: 'fog:transfer_tokens' },
  fog_transfer: { level: 'OPERATOR', permission: 'fog:transfer_tokens' },
  fog_harvesting: { level: 'OPERATOR', permission: 'fog:harvest' },
  forge_phases: { level: 'READ_ONLY', permission: 'forge:read' },
  forge_start_training: { level: 'OPERATOR', permission: 'forge:train' },
  forge_training_status: { level: 'READ_ONLY', permission: 'forge:read', timeoutMs: TRAINING_WAIT_MS },
  forge_stop_training: { level: 'OPERATOR', permission: 'forge:train' },
  models_list: { level: 'READ_ONLY', permission: 'forge:read' },
  model_chat: { level: 'OPERATOR', permission: 'forge:chat', timeoutMs: CHAT_MS },
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
  // Every caller has a twin of its own and reaches no other: so the level does not matter, the permission does.
  twin_observe: { level: 'READ_ONLY', permission: 'twin:write' },
  mini_rag_query: { level: 'READ_ONLY', permission: 'twin:read' },
  twin_preferences: { level: 'READ_ONLY', permission: 'twin:write' },
  privacy_scan: { level: 'READ_ONLY', permission: 'twin:read' },
  twin_consent: { level: 'READ_ONLY', permission: 'twin:write' },
  twin_elevate: { level: 'READ_ONLY', permission: 'twin:elevate' },
  twin_export: { level: 'READ_ONLY', permission: 'twin:read' },
  twin_erase: { level: 'READ_ONLY', permission: 'twin:erase' },
  p2p_status: { level: 'READ_ONLY', permission: 'p2p:read' },
  p2p_peers: { level: 'READ_ONLY', permission: 'p2p:read' },
  p2p_connect: { level: 'OPERATOR', permission: 'p2p:connect' },
  p2p_disconnect: { level: 'OPERATOR', permission: 'p2p:connect' },
  p2p_announce: { level: 'OPERATOR', permission: 'p2p:connect' },
  discover_fog_nodes: { level: 'READ_ONLY', permission: 'p2p:read' },
  bitchat_send: { level: 'OPERATOR', permission: 'p2p:message' },
  bitchat_inbox: { level: 'OPERATOR', permission: 'p2p:message' },
  p2p_broadcast: { level: 'OPERATOR', permission: 'p2p:message' },
  betanet_open_circuit: { level: 'OPERATOR', permission: 'p2p:message' },
  betanet_send: { level: 'OPERATOR', permission: 'p2p:message' },
  betanet_close_circuit: { level: 'OPERATOR', permission: 'p2p:message' },
  betanet_listen: { level: 'OPERATOR', permission: 'p2p:connect' },
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
  { match: 'resource:forge://*', level: 'READ_ONLY', permission: 'forge:read' },
  { match: 'resource:governance://*', level: 'READ_ONLY', permission: 'governance:read' },
  { match: 'resource:fog://*', level: 'READ_ONLY', permission: 'fog:read' },
  { match: 'resource:hyperrag://*', level: 'READ_ONLY' },
  { match: 'resource:p2p://*', level: 'READ_ONLY', permission: 'p2p:read' },
  { match: 'resource:p2p://inbox', level: 'OPERATOR', permission: 'p2p:message' },
  { match: 'resource:monitoring://*', level: 'READ_ONLY' },
  { match: 'resource:twin://*', level: 'READ_ONLY', permission: 'twin:read' },
  { match: 'resource:village://*', level: 'READ_ONLY' },
  // Read again and again by whoever watches; what they tell is in the audit itself.
  { match: 'resource:village://calls*', level: 'READ_ONLY', audit: false },
  { match: 'resource:village://services', level: 'READ_ONLY', audit: false },
  // Names of all servers and tools are in it.
  { match: 'resource:village://metrics', level: 'READ_ONLY', permission: 'monitoring:diagnose' },
];

const prompts: readonly PermissionRow[] = [
  { match: 'prompt:answer_with_citations', level: 'READ_ONLY' },
  { match: 'prompt:find_knowledge_gaps', level: 'READ_ONLY' },
  { match: 'prompt:explain_bill', level: 'READ_ONLY', permission: 'fog:read' },
  { match: 'prompt:capacity_review', level: 'READ_ONLY' },
  { match: 'prompt:incident_report', level: 'READ_ONLY' },
  { match: 'prompt:what_do_you_know_about_me', level: 'READ_ONLY', permission: 'twin:read' },
  { match: 'prompt:prepare_elevation', level: 'READ_ONLY', permission: 'twin:read' },
  { match: 'prompt:plan_deployment', level: 'READ_ONLY', permission: 'fog:read' },
  { match: 'prompt:diagnose_connectivity', level: 'READ_ONLY', permission: 'p2p:read' },
  { match: 'prompt:review_proposal', level: 'READ_ONLY', permission: 'governance:read' },
];

export const BUILT_IN_ROWS: readonly PermissionRow[] = [
  ...Object.entries(tools).map(([match, row]) => ({ match, ...row })),
  ...resources,
  ...prompts,
];
