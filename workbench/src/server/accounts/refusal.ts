// An answer other than 200, in the shape Grafana's API gives it: `{"message": …}`.
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const notFound = () => new Refusal(404, 'Not found');
export const accessDenied = (action: string) =>
  new Refusal(403, `You'll need additional permissions to perform this action. Permissions needed: ${action}`);
