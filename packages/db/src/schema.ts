import type { ColumnType, Generated, GeneratedAlways, Insertable, Selectable } from 'kysely';
import type { AccountStatus } from '@reconfirm/core/account';
import type { ChangeMode, ChangeSide } from '@reconfirm/core/contact-change';
import type { BounceKind, DeliveryEventType } from '@reconfirm/core/delivery-event';
import type { Priority } from '@reconfirm/core/purposes/purpose';
import type { Channel } from '@reconfirm/core/destination';
import type { LiveTokens } from '@reconfirm/core/live-tokens';
import type { DeliveryStatus } from '@reconfirm/core/outgoing/delivery';
import type { OutgoingEventFacts } from '@reconfirm/core/outgoing/event';
import type { LookupOutcome } from '@reconfirm/core/lookup';
import type { MessageStatus, PublicStatus } from '@reconfirm/core/message';
import type { SuppressionReason } from '@reconfirm/core/suppression';

/** bigint columns arrive as strings: they can exceed what a number holds exactly. */
type Sequence = GeneratedAlways<string>;
type Json = ColumnType<Record<string, unknown>, string | undefined, string>;
type NullableJson = ColumnType<Record<string, unknown> | null, string | null | undefined, string | null>;

export interface OrganizationsTable {
  id: string;
  name: string;
  created_at: Generated<Date>;
  slug: string | null;
  settings: Json;
  updated_at: Generated<Date>;
}

export interface AccountsTable {
  id: string;
  organization_id: string;
  email: string | null;
  email_key: Buffer | null;
  name: string | null;
  locale: string | null;
  redirect_url: string | null;
  status: Generated<AccountStatus>;
  verified_at: Date | null;
  verification_email_status: PublicStatus | null;
  verification_message_seq: string | null;
  created_at: Generated<Date>;
  phone: string | null;
  phone_key: Buffer | null;
  phone_verified_at: Date | null;
  password_hash: string | null;
  is_admin: Generated<boolean>;
  metadata: Json;
  last_signed_in_at: Date | null;
  disowned_at: Date | null;
  updated_at: Generated<Date>;
}

export interface AccountEventsTable {
  id: Sequence;
  account_id: string;
  type: AccountEventType;
  detail: Json;
  created_at: Generated<Date>;
}

/** What happened to an account, in the words that the v1 contract shows. */
export type AccountEventType =
  | 'VERIFICATION_EMAIL_SENT'
  | 'VERIFICATION_EMAIL_FAILED'
  | 'VERIFICATION_EMAIL_DELIVERED'
  | 'VERIFICATION_EMAIL_TEMP_FAILED'
  | 'VERIFICATION_EMAIL_COMPLAINED'
  | 'VERIFICATION_SMS_SENT'
  | 'VERIFICATION_SMS_FAILED'
  | 'VERIFICATION_SMS_DELIVERED'
  | 'VERIFICATION_SMS_TEMP_FAILED'
  | 'VERIFICATION_SMS_COMPLAINED'
  | 'EMAIL_VERIFIED'
  | 'PHONE_VERIFIED'
  | 'EMAIL_CHANGED'
  | 'PHONE_CHANGED'
  | 'EMAIL_CHANGE_UNDONE'
  | 'STATUS_CHANGED'
  | 'PASSWORD_CHANGED'
  | 'USER_INVITED'
  | 'INVITATION_RENEWED'
  | 'INVITATION_EXTENDED'
  | 'INVITATION_REVOKED'
  | 'INVITATION_ACCEPTED'
  | 'ROLE_CHANGED'
  | 'CONTACT_DISOWNED'
  | 'CONTACT_SUPPRESSED'
  | 'CONTACT_SUPPRESSION_LIFTED';

export interface ApiKeysTable {
  id: string;
  account_id: string | null;
  secret_hash: Buffer;
  created_at: Generated<Date>;
  revoked_at: Date | null;
  organization_id: string | null;
  name: string | null;
  scopes: Generated<string[]>;
  last_four: string | null;
}

export type SessionEnd =
  | 'sign_out'
  | 'sign_out_others'
  | 'sign_out_all'
  | 'password_changed'
  | 'token_reused';

export interface SessionsTable {
  id: string;
  account_id: string;
  created_at: Generated<Date>;
  refreshed_at: Date | null;
  expires_at: Date;
  ended_at: Date | null;
  ended_by: SessionEnd | null;
}

export interface RefreshTokensTable {
  token_hash: Buffer;
  session_id: string;
  parent_hash: Buffer | null;
  created_at: Generated<Date>;
  expires_at: Date;
  used_at: Date | null;
  successor_nonce: Buffer | null;
}

export interface ContactChangesTable {
  id: string;
  organization_id: string;
  account_id: string;
  channel: Channel;
  mode: ChangeMode;
  new_address: string;
  new_key: Buffer;
  old_address: string | null;
  old_key: Buffer | null;
  current_confirmed_at: Date | null;
  new_confirmed_at: Date | null;
  created_at: Generated<Date>;
  expires_at: Date;
  completed_at: Date | null;
  cancelled_at: Date | null;
  undone_at: Date | null;
}

export interface MessagesTable {
  id: string;
  seq: Sequence;
  organization_id: string;
  subject_key: Buffer;
  address_key: Buffer;
  limit_key: Buffer;
  ip_key: Buffer;
  purpose: string;
  channel: Channel;
  contract: string;
  locale: string | null;
  redirect_url: string | null;
  idempotency_key: Buffer | null;
  request_hash: Buffer | null;
  account_id: string | null;
  status: Generated<MessageStatus>;
  rank: GeneratedAlways<number>;
  reason: string | null;
  attempt: Generated<number>;
  failures: Generated<number>;
  lost_leases: Generated<number>;
  next_at: Generated<Date>;
  lease_until: Date | null;
  rung_at: Date | null;
  provider: string | null;
  provider_message_id: string | null;
  accepted_at: Generated<Date>;
  sent_at: Date | null;
  settled_at: Date | null;
  context: NullableJson;
  sealed: Buffer | null;
  change_id: string | null;
  side: ChangeSide | null;
  priority: Generated<Priority>;
  recipient_domain: string | null;
  passed_captcha: Generated<boolean>;
  ask_at: Date | null;
}

export interface LookupsTable {
  message_id: string;
  asked_at: Date;
  provider: string;
  /** Null while the answer is awaited, and when the worker died meanwhile. */
  outcome: LookupOutcome | null;
}

export interface VerificationsTable {
  message_id: string;
  account_id: string;
  token_hash: Buffer;
  nonce: Buffer | null;
  key_version: number;
  ttl_seconds: number;
  expires_at: Date;
  consumed_at: Date | null;
  created_at: Generated<Date>;
  code_hash: Buffer | null;
  code_ttl_seconds: number | null;
  code_expires_at: Date | null;
  live_newest: Generated<number>;
  superseded_when: Generated<LiveTokens['supersededWhen']>;
  consumed_by: 'link' | 'code' | null;
  revoked_at: Date | null;
}

export interface InvitationsTable {
  account_id: string;
  message_id: string;
  generation: Generated<number>;
  invited_by: string;
  asked_at: Generated<Date>;
  revoked_at: Date | null;
}

export interface CodeGuessesTable {
  subject_key: Buffer;
  guesses: number;
  window_ends_at: Date;
}

export type AttemptResult =
  | 'accepted'
  | 'permanent'
  | 'transient'
  | 'ambiguous'
  | 'misconfigured'
  | 'given_back';

export interface AttemptsTable {
  message_id: string;
  number: number;
  provider: string;
  worker: string;
  started_at: Generated<Date>;
  finished_at: Date | null;
  result: AttemptResult | null;
  code: string | null;
  reply: string | null;
}

export interface DeliveryEventsTable {
  id: Sequence;
  provider: string;
  event_id: string;
  replay_key: Buffer | null;
  body_hash: Buffer | null;
  message_id: string | null;
  provider_message_id: string | null;
  type: DeliveryEventType;
  bounce: BounceKind | null;
  reason: string | null;
  occurred_at: Date;
  received_at: Generated<Date>;
  applied_at: Date | null;
}

export interface SuppressionsTable {
  id: Sequence;
  organization_id: string;
  address_key: Buffer;
  channel: Channel;
  reason: SuppressionReason;
  detail: string | null;
  message_id: string | null;
  delivery_event_id: string | null;
  times: Generated<number>;
  complaints: Generated<number>;
  suppressed_at: Generated<Date>;
  expires_at: Date | null;
  lifted_at: Date | null;
  lifted_by: 'operator' | 'proof' | null;
}

export interface SuppressionChangesTable {
  id: Sequence;
  suppression_id: string;
  change: 'suppressed' | 'lifted';
  by: 'report' | 'hand_over' | 'operator' | 'proof';
  reason: string;
  expires_at: Date | null;
  message_id: string | null;
  who: string | null;
  why: string | null;
  changed_at: Generated<Date>;
}

export interface LimitChargesTable {
  subject_key: Buffer;
  charge_id: string;
  charged_at: Date;
}

/** One row: the memory of Redis under which charges count (ADR 15). */
export interface LimitMemoryTable {
  only_one: Generated<boolean>;
  since: string;
  ended: string | null;
  without_at: Date | null;
}

export interface SmsSendsTable {
  message_id: string;
  attempt: number;
  organization_id: string;
  country: string;
  prefix: string;
  cost_micros: string;
  judged: boolean;
  reserved_at: Date;
  released_at: Date | null;
  verified_at: Date | null;
}

export interface SmsSpendTable {
  scope: string;
  bucket_seconds: number;
  bucket_at: Date;
  sends: number;
  cost_micros: string;
}

export interface SmsPausesTable {
  scope: string;
  paused_at: Generated<Date>;
  sends: number;
  verified: number;
  released_at: Date | null;
}

export interface SignupPasswordsTable {
  message_id: string;
  account_id: string;
  password_hash: string;
}

export interface AuthCodesTable {
  code_hash: Buffer;
  account_id: string;
  challenge: string;
  created_at: Generated<Date>;
  expires_at: Date;
  used_at: Date | null;
}

export interface CaptchaAnswersTable {
  answer_hash: Buffer;
  request_id: string;
  accepted_at: Generated<Date>;
}

export interface WebhookEndpointsTable {
  id: string;
  organization_id: string;
  url: string;
  event_types: Generated<string[]>;
  active: Generated<boolean>;
  disabled_reason: string | null;
  secret_sealed: Buffer;
  previous_secret_sealed: Buffer | null;
  previous_secret_until: Date | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

export interface EventSequencesTable {
  organization_id: string;
  last_sequence: string;
}

export interface OutgoingEventsTable {
  id: Generated<string>;
  position: Sequence;
  organization_id: string;
  sequence: string | null;
  type: OutgoingEventFacts['type'];
  account_id: string | null;
  lapsed_account_id: string | null;
  account_event_id: string | null;
  message_id: string | null;
  only_endpoint_id: string | null;
  channel: Channel | null;
  purpose: string | null;
  method: string | null;
  reason: string | null;
  occurred_at: Generated<Date>;
}

export interface WebhookDeliveriesTable {
  id: Sequence;
  endpoint_id: string;
  event_id: string;
  status: Generated<DeliveryStatus>;
  fence: Generated<number>;
  failures: Generated<number>;
  next_at: Generated<Date>;
  lease_until: Date | null;
  created_at: Generated<Date>;
  delivered_at: Date | null;
}

export interface WebhookAttemptsTable {
  delivery_id: string;
  number: number;
  attempted_at: Generated<Date>;
  took_ms: number;
  status_code: number | null;
  failure: string | null;
}

export interface Schema {
  organizations: OrganizationsTable;
  accounts: AccountsTable;
  account_events: AccountEventsTable;
  api_keys: ApiKeysTable;
  sessions: SessionsTable;
  refresh_tokens: RefreshTokensTable;
  contact_changes: ContactChangesTable;
  messages: MessagesTable;
  verifications: VerificationsTable;
  invitations: InvitationsTable;
  code_guesses: CodeGuessesTable;
  attempts: AttemptsTable;
  delivery_events: DeliveryEventsTable;
  lookups: LookupsTable;
  suppressions: SuppressionsTable;
  suppression_changes: SuppressionChangesTable;
  limit_charges: LimitChargesTable;
  limit_memory: LimitMemoryTable;
  sms_sends: SmsSendsTable;
  sms_spend: SmsSpendTable;
  sms_pauses: SmsPausesTable;
  signup_passwords: SignupPasswordsTable;
  auth_codes: AuthCodesTable;
  captcha_answers: CaptchaAnswersTable;
  webhook_endpoints: WebhookEndpointsTable;
  event_sequences: EventSequencesTable;
  outgoing_events: OutgoingEventsTable;
  webhook_deliveries: WebhookDeliveriesTable;
  webhook_attempts: WebhookAttemptsTable;
}

export type AccountRow = Selectable<AccountsTable>;
export type MessageRow = Selectable<MessagesTable>;
export type NewMessage = Insertable<MessagesTable>;

/** The organization of an installation that has not made others (first migration). */
export const defaultOrganizationId = '00000000-0000-7000-8000-000000000001';
