// Who may sign in, and who is signed in. In memory: a restart signs everybody out.
import { randomBytes } from 'node:crypto';
import { Refusal } from './refusal.ts';

const ROLES = ['None', 'Viewer', 'Editor', 'Admin'] as const;
export type Role = (typeof ROLES)[number];
export type Theme = 'dark' | 'light';

export interface Account {
  readonly id: number;
  readonly login: string;
  readonly name: string;
  readonly password: string;
  role: Role;
  theme: Theme;
}

export const isRole = (value: unknown): value is Role => ROLES.includes(value as Role);

/** An empty `required` asks for nothing beyond being signed in. */
export function hasRole(account: Account, required: string | undefined): boolean {
  return !required || ROLES.indexOf(account.role) >= ROLES.indexOf(required as Role);
}

export const SESSION_COOKIE = 'grafana_session';

export class Accounts {
  readonly #accounts: Account[] = [];
  readonly #sessions = new Map<string, Account>();

  constructor() {
    this.create('admin', 'admin', 'Admin');
    this.create('editor', 'editor', 'Editor');
    this.create('viewer', 'viewer', 'Viewer');
  }

  /** Throws 412 when the login is taken, as Grafana does. */
  create(login: string, password: string, role: Role = 'Viewer', name = login): Account {
    if (!login || !password) throw new Refusal(400, 'Validation error, need specify either username or email');
    if (this.byLogin(login)) throw new Refusal(412, `User with email '' or username '${login}' already exists`);
    const account: Account = { id: this.#accounts.length + 1, login, name, password, role, theme: 'dark' };
    this.#accounts.push(account);
    return account;
  }

  byLogin(login: string): Account | undefined {
    return this.#accounts.find((account) => account.login === login || emailOf(account) === login);
  }

  byId(id: number): Account | undefined {
    return this.#accounts.find((account) => account.id === id);
  }

  byPassword(login: string, password: string): Account | undefined {
    const account = this.byLogin(login);
    return account?.password === password ? account : undefined;
  }

  openSession(account: Account): string {
    const token = randomBytes(16).toString('hex');
    this.#sessions.set(token, account);
    return token;
  }

  endSession(cookies: string | undefined): void {
    this.#sessions.delete(sessionToken(cookies));
  }

  /** The caller by session cookie or, for scripts, by Basic credentials. */
  caller(headers: { cookie?: string | undefined; authorization?: string | undefined }): Account | undefined {
    const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1];
    if (!basic) return this.#sessions.get(sessionToken(headers.cookie));
    const [login = '', ...password] = Buffer.from(basic, 'base64').toString().split(':');
    return this.byPassword(login, password.join(':'));
  }
}

export const emailOf = (account: Account) => `${account.login}@localhost`;

function sessionToken(cookies = ''): string {
  return new RegExp(`(?:^|;\\s*)${SESSION_COOKIE}=([^;]+)`).exec(cookies)?.[1] ?? '';
}
