// For tests whose subject is not who may.
import type { May } from '../record/rights.ts';

export const everybodyMay: May = () => ({ allowed: true, reason: null });
