import type { AccountStatus } from '../account.ts';

/** Why an account does not get a message of some purpose. */
export type Ineligibility = 'already_verified' | 'suspended';

/** What one kind of verification is: everything that differs between purposes stands here. */
export interface Purpose {
  readonly name: string;
  readonly channel: 'email';
  readonly credential: 'link';
  /** How long after acceptance a message is still worth sending; then it ends as FAILED. */
  readonly sendWithinSeconds: number;
  readonly template: string;
  /** Null when an account of that status should get the message. */
  readonly ineligible: (status: AccountStatus) => Ineligibility | null;
}
