/** A link to a page of this app; the tenant and the time range travel along. */
import React from 'react';
import { TextLink } from '@grafana/ui';
import { useCarry } from './carried-params';

interface Props {
  /** One of `paths`. */
  to: string;
  /** A link inside a sentence is underlined; one that stands alone is not. */
  inline?: boolean;
  color?: 'primary' | 'link';
  children: string;
}

export const AppLink = ({ to, inline = false, color = 'link', children }: Props) => (
  <TextLink href={useCarry()(to)} inline={inline} color={color}>
    {children}
  </TextLink>
);
