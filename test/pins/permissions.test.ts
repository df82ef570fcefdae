import { expect, it } from 'vitest';
import { permissionsOf } from '../../shared/identity/claims.ts';
import { EXECUTE_PERMISSION, GATE_PERMISSION, permits, ROLE_PERMISSIONS } from '../../shared/identity/roles.ts';
import { createMatrix } from '../../shared/matrix/matrix.ts';
import { permissionRowSchema } from '../../shared/matrix/rows.ts';
import { BUILT_IN_ROWS, BUILT_IN_TOOLS } from '../../shared/permission-matrix.ts';

/** Who may do what, in the open: a change here is a change of rights and needs to be meant. */
const pinned = [
  'service_list           READ_ONLY',
  'service_status         READ_ONLY',
  'service_register       EMERGENCY  system:manage_services  justification  major_change',
  'service_remove         EMERGENCY  system:manage_services  justification  major_change',
  'permission_explain     READ_ONLY',
  'audit_query            GOVERNANCE  audit:read',
  'audit_verify           GOVERNANCE  audit:read',
  'tool_search            READ_ONLY',
  'tool_load              READ_ONLY',
  'tool_report            GOVERNANCE  audit:read',
  'definition_review      GOVERNANCE  system:manage_services',
  'definition_approve     GOVERNANCE  system:manage_services  justification  minor_change',
  'emergency_system_shutdown EMERGENCY  system:emergency_stop',
  'emergency_system_resume EMERGENCY  system:emergency_stop',
  'call_binding           READ_ONLY  router:execute',
  'approved_call          READ_ONLY  router:execute  86400 s',
  'governance_proposal    OPERATOR  governance:propose',
  'governance_vote        OPERATOR  governance:vote',
  'governance_status      READ_ONLY  governance:read',
  'king_override_vote     EMERGENCY  governance:vote',
  'governance_policy      GOVERNANCE  governance:set_policy',
  'governance_resolve     OPERATOR  governance:vote',
  'governance_gate        READ_ONLY  router:gate',
  'fog_resources          READ_ONLY  fog:read',
  'deploy_agent_shard     OPERATOR  fog:deploy_shard',
  'fog_shards             READ_ONLY  fog:read',
  'fog_stop_shard         OPERATOR  fog:deploy_shard',
  'fog_submit_job         OPERATOR  fog:submit_job',
  'fog_job_status         READ_ONLY  fog:read',
  'fog_cancel_job         OPERATOR  fog:submit_job',
  'fog_offer              OPERATOR  fog:use_marketplace',
  'fog_market             READ_ONLY  fog:read',
  'fog_request_service    OPERATOR  fog:use_marketplace',
  'fog_contracts          OPERATOR  fog:use_marketplace',
  'fog_resolve_dispute    OPERATOR  fog:use_marketplace  major_change',
  'fog_tokens             READ_ONLY  fog:read',
  'fog_stake              OPERATOR  fog:transfer_tokens',
  'fog_transfer           OPERATOR  fog:transfer_tokens',
  'fog_harvesting         OPERATOR  fog:harvest',
  'forge_phases           READ_ONLY  forge:read',
  'forge_start_training   OPERATOR  forge:train',
  'forge_training_status  READ_ONLY  forge:read  610 s',
  'forge_stop_training    OPERATOR  forge:train',
  'models_list            READ_ONLY  forge:read',
  'model_chat             OPERATOR  forge:chat  310 s',
  'hyperrag_query         READ_ONLY',
  'hyperrag_ingest        OPERATOR',
  'hyperrag_memory        OPERATOR',
  'hyperrag_graph         READ_ONLY',
  'hyperrag_feedback      OPERATOR',
  'hyperrag_gaps          READ_ONLY',
  'context_update         OPERATOR',
  'context_get            READ_ONLY',
  'context_query          READ_ONLY',
  'context_set_priority   OPERATOR',
  'context_clear          OPERATOR',
  'knowledge_elevation    OPERATOR',
  'twin_observe           READ_ONLY  twin:write',
  'mini_rag_query         READ_ONLY  twin:read',
  'twin_preferences       READ_ONLY  twin:write',
  'privacy_scan           READ_ONLY  twin:read',
  'twin_consent           READ_ONLY  twin:write',
  'twin_elevate           READ_ONLY  twin:elevate',
  'twin_export            READ_ONLY  twin:read',
  'twin_erase             READ_ONLY  twin:erase',
  'p2p_status             READ_ONLY  p2p:read',
  'p2p_peers              READ_ONLY  p2p:read',
  'p2p_connect            OPERATOR  p2p:connect',
  'p2p_disconnect         OPERATOR  p2p:connect',
  'p2p_announce           OPERATOR  p2p:connect',
  'discover_fog_nodes     READ_ONLY  p2p:read',
  'bitchat_send           OPERATOR  p2p:message',
  'bitchat_inbox          OPERATOR  p2p:message',
  'p2p_broadcast          OPERATOR  p2p:message',
  'betanet_open_circuit   OPERATOR  p2p:message',
  'betanet_send           OPERATOR  p2p:message',
  'betanet_close_circuit  OPERATOR  p2p:message',
  'betanet_listen         OPERATOR  p2p:connect',
  'system_performance     READ_ONLY',
  'system_diagnostics     READ_ONLY',
  'diagnostics_report     READ_ONLY  monitoring:read',
  'workflow_analyze       READ_ONLY  monitoring:read',
  'monitoring_alerts      READ_ONLY  monitoring:read',
  'audio_analyze          OPERATOR  600 s',
  'resource:forge://*     READ_ONLY  forge:read',
  'resource:governance://* READ_ONLY  governance:read',
  'resource:fog://*       READ_ONLY  fog:read',
  'resource:hyperrag://*  READ_ONLY',
  'resource:p2p://*       READ_ONLY  p2p:read',
  'resource:p2p://inbox   OPERATOR  p2p:message',
  'resource:monitoring://* READ_ONLY',
  'resource:twin://*      READ_ONLY  twin:read',
  'resource:village://*   READ_ONLY',
  'resource:village://calls* READ_ONLY  unrecorded',
  'resource:village://services READ_ONLY  unrecorded',
  'resource:village://metrics READ_ONLY  monitoring:diagnose',
  'prompt:answer_with_citations READ_ONLY',
  'prompt:find_knowledge_gaps READ_ONLY',
  'prompt:explain_bill    READ_ONLY  fog:read',
  'prompt:capacity_review READ_ONLY',
  'prompt:incident_report READ_ONLY',
  'prompt:what_do_you_know_about_me READ_ONLY  twin:read',
  'prompt:prepare_elevation READ_ONLY  twin:read',
  'prompt:plan_deployment READ_ONLY  fog:read',
  'prompt:diagnose_connectivity READ_ONLY  p2p:read',
  'prompt:review_proposal READ_ONLY  governance:read',
];

it('[M1] the built-in rows are these', () => {
  const printed = BUILT_IN_ROWS.map(
    ({ match, level, permission, justification, approval, timeoutMs, audit, ...rest }) => {
      expect(rest).toEqual({});
      const limit = timeoutMs === undefined ? undefined : `${timeoutMs / 1_000} s`;
      const conditions = [
        level,
        permission,
        justification && 'justification',
        approval,
        limit,
        audit === false && 'unrecorded',
      ].filter(Boolean);
      return `${match.padEnd(22)} ${conditions.join('  ')}`;
    },
  );
  expect(printed).toEqual(pinned);
});

it('[M1] [G5] no role, pattern or full access covers what is between the router and its servers', () => {
  const granted = ['system:full_access', 'router:*', '*', ...Object.values(ROLE_PERMISSIONS).flat()];
  for (const reserved of [GATE_PERMISSION, EXECUTE_PERMISSION]) {
    expect(permits(granted, reserved)).toBe(false);
    expect(permits([reserved], reserved)).toBe(true);
    expect(permissionsOf('admin', [reserved])).not.toContain(reserved);
  }
});

it('[M1] every built-in tool has exactly one row', () => {
  const names = Object.values(BUILT_IN_TOOLS).flat();
  expect(new Set(names).size).toBe(names.length);
  const rows = BUILT_IN_ROWS.map((row) => row.match).filter((match) => !match.includes(':'));
  expect([...rows].sort()).toEqual([...names].sort());
});

it('[M1] the built-in rows are well-formed and make a matrix without mistakes', () => {
  for (const row of BUILT_IN_ROWS) expect(permissionRowSchema.parse(row)).toEqual(row);
  const { mistakes } = createMatrix({ builtIn: BUILT_IN_ROWS, configured: [], permits: () => false });
  expect(mistakes).toEqual([]);
});
