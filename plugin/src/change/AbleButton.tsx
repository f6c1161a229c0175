/** A button that opens a change; without the permission it stays in sight and says which one is missing, and where. */
import React, { type ReactNode } from 'react';
import type { MutationId } from '@cloudlysis/contract';
import { Button, type ButtonProps } from '@grafana/ui';
import { useAbility } from '../api/abilities';
import { useChange } from './open-changes';
import type { ChangeInput } from './change-input';

interface Props extends Pick<ButtonProps, 'size' | 'icon' | 'fill' | 'variant'> {
  change: MutationId;
  input?: ChangeInput;
  /** Tenant the permission must hold on. */
  tenantId?: string;
  /** Why it makes no sense now, though it is permitted. */
  pointless?: string | undefined;
  children: ReactNode;
}

export function AbleButton({ change, input, tenantId, pointless, children, variant = 'secondary', ...look }: Props) {
  const { allowed, reason } = useAbility(change, tenantId);
  const { open } = useChange();
  const why = allowed ? pointless : (reason ?? undefined);
  return (
    <Button
      {...look}
      variant={variant}
      disabled={!allowed || pointless !== undefined}
      tooltip={why}
      onClick={() => open(change, input)}
    >
      {children}
    </Button>
  );
}
