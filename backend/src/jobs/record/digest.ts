/** SHA-256 of a JSON value in its canonical form (RFC 8785). */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

export const sha256 = (value: unknown): string =>
  createHash('sha256')
    .update(canonicalize(value) ?? 'null')
    .digest('hex');
