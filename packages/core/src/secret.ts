/**
 * A value that prints as `[secret]` wherever it ends up: string conversion, JSON, console, logger.
 * Only `reveal()` gives it back, so every use can be found by searching for that word.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  /** Node's `util.inspect` looks this symbol up; it decides what the console prints. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}
