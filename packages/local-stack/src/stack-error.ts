export type StackErrorCode =
  | 'already_running'
  | 'broken_data'
  | 'cannot_write'
  | 'migration_failed'
  | 'missing_tool'
  | 'not_ready'
  | 'port_busy'
  | 'process_died'
  | 'unsupported_platform'
  | 'usage';

/**
 * Something that the person at the keyboard can repair. The message is one sentence that says what
 * to do; it is printed as it stands, without a stack.
 */
export class StackError extends Error {
  readonly code: StackErrorCode;

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StackError';
    this.code = code;
  }
}

const errorCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Whether a file system call failed because nothing is at that path. */
export const isNotFound = (error: unknown): boolean => errorCode(error) === 'ENOENT';

/** The operating system's name of a failure (`EACCES`), or undefined when the error has none. */
export const systemErrorCode = errorCode;
