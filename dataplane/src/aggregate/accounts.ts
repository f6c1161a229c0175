// Pure: the domain of the reference platform. Accounts hold whole cents; one accepted command is exactly one event.
import { TENANT_ID } from '../platform/names.ts';

export const COMMANDS = ['deposit', 'withdraw', 'transfer'] as const;
export type CommandType = (typeof COMMANDS)[number];
export interface Command {
  command_id: string;
  type: string;
  data: Record<string, unknown>;
}
export interface AccountEvent {
  type: 'deposited' | 'withdrawn' | 'transferred';
  data: Record<string, unknown>;
}
export type Balances = ReadonlyMap<string, number>;
export type Decision = { event: AccountEvent } | { declined: string; detail: string } | { invalid: string };

const MAX_AMOUNT = 1e9;
const MAX_BALANCE = Number.MAX_SAFE_INTEGER - MAX_AMOUNT;
/** Keeps snapshots and read models far below the 1 MiB that one NATS message carries. */
export const MAX_ACCOUNTS = 2000;

export function decide(balances: Balances, command: Command): Decision {
  const { data } = command;
  const fields = command.type === 'transfer' ? ['from', 'to'] : ['account'];
  if (!COMMANDS.some((type) => type === command.type)) return { invalid: `unknown command type` };
  if (Object.keys(data).some((name) => name !== 'amount' && !fields.includes(name)))
    return { invalid: 'unknown field' };
  for (const field of fields) if (!isAccount(data[field])) return { invalid: `"${field}" must be an account id` };
  const amount = data['amount'];
  if (!Number.isSafeInteger(amount) || (amount as number) < 1 || (amount as number) > MAX_AMOUNT) {
    return { invalid: `"amount" must be a whole number 1..${MAX_AMOUNT}` };
  }
  return decideMove(balances, command.type as CommandType, data as Record<string, string>, amount as number);
}

function decideMove(balances: Balances, type: CommandType, data: Record<string, string>, amount: number): Decision {
  const from = type === 'withdraw' ? data['account']! : data['from'];
  const to = type === 'deposit' ? data['account']! : data['to'];
  if (from !== undefined && from === to) return { invalid: 'a transfer needs two accounts' };
  if (from !== undefined && (balances.get(from) ?? 0) < amount) {
    return { declined: 'funds.insufficient', detail: `${from} holds less than ${amount}` };
  }
  if (to !== undefined && (balances.get(to) ?? 0) > MAX_BALANCE) {
    return { declined: 'balance.limit', detail: `${to} is full` };
  }
  if (to !== undefined && !balances.has(to) && balances.size >= MAX_ACCOUNTS) {
    return { declined: 'accounts.limit', detail: `a tenant has at most ${MAX_ACCOUNTS} accounts` };
  }
  if (type === 'deposit') return { event: { type: 'deposited', data: { account: to, amount } } };
  if (type === 'withdraw') return { event: { type: 'withdrawn', data: { account: from, amount } } };
  return { event: { type: 'transferred', data: { from, to, amount } } };
}

/** Folds one event in; every reader of the log (aggregate, projection) uses this one function. */
export function apply(balances: Map<string, number>, event: { type: string; data: Record<string, unknown> }): void {
  const amount = event.data['amount'] as number;
  const add = (account: unknown, change: number): void => {
    balances.set(account as string, (balances.get(account as string) ?? 0) + change);
  };
  if (event.type === 'deposited') add(event.data['account'], amount);
  if (event.type === 'withdrawn') add(event.data['account'], -amount);
  if (event.type === 'transferred') {
    add(event.data['from'], -amount);
    add(event.data['to'], amount);
  }
}

const isAccount = (value: unknown): value is string => typeof value === 'string' && TENANT_ID.test(value);
