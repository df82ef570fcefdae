import type { Tool } from '../../../shared/tool.ts';
import type { OwnServerDeps } from '../deps.ts';
import { approvedCall } from './approved-call.ts';
import { auditQuery } from './audit-query.ts';
import { callBinding } from './call-binding.ts';
import { definitionApprove } from './definition-approve.ts';
import { definitionReview } from './definition-review.ts';
import { emergencySystemResume } from './emergency-system-resume.ts';
import { emergencySystemShutdown } from './emergency-system-shutdown.ts';
import { permissionExplain } from './permission-explain.ts';
import { serviceList } from './service-list.ts';
import { serviceRegister } from './service-register.ts';
import { serviceRemove } from './service-remove.ts';
import { serviceStatus } from './service-status.ts';
import { toolLoad } from './tool-load.ts';
import { toolReport } from './tool-report.ts';
import { toolSearch } from './tool-search.ts';

export function ownTools(deps: OwnServerDeps): readonly Tool[] {
  return [
    serviceList(deps),
    serviceStatus(deps),
    permissionExplain(deps),
    auditQuery(deps),
    serviceRegister(deps),
    serviceRemove(deps),
    definitionReview(deps),
    definitionApprove(deps),
    toolSearch(deps),
    toolLoad(deps),
    toolReport(deps),
    emergencySystemShutdown(deps),
    emergencySystemResume(deps),
    callBinding(deps),
    approvedCall(deps),
  ];
}
