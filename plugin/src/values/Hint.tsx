/** A tooltip that costs nothing until it is wanted: a list of thousands of rows has thousands of them. */
import React, { useState, type ReactNode } from 'react';
import { css } from '@emotion/css';
import { Tooltip, useStyles2 } from '@grafana/ui';

export function Hint({ content, children }: { content: string; children: ReactNode }) {
  const [wanted, setWanted] = useState(false);
  const styles = useStyles2(getStyles);
  const arm = () => setWanted(true);
  const held = (
    <span className={styles} onPointerEnter={arm}>
      {children}
    </span>
  );
  return wanted ? <Tooltip content={content}>{held}</Tooltip> : held;
}

const getStyles = () => css({ display: 'inline-flex', maxWidth: '100%', minWidth: 0 });
