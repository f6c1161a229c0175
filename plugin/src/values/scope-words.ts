/** Where an assignment holds, in words. */
import type { Scope } from '@cloudlysis/contract';

export function scopeWords(scope: Scope): string {
  switch (scope.kind) {
    case 'global':
      return 'everywhere';
    case 'tier':
      return `every ${scope.tier} environment`;
    case 'environment':
      return `environment ${scope.environment}`;
    case 'tenant':
      return `tenant ${scope.tenant_id} in every environment`;
    case 'tenant-in-environment':
      return `tenant ${scope.tenant_id} in environment ${scope.environment}`;
    default:
      // A control plane newer than these pages.
      return `${(scope satisfies never as { kind: string }).kind} scope`;
  }
}
