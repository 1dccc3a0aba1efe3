/** Something that waits until a test lets it go on. */
export interface Gate {
  /** Resolves when somebody waits at the gate. */
  readonly reached: Promise<void>;
  /** Notes the arrival and waits for `open`. */
  pass(): Promise<void>;
  /** The same for code that goes on by a callback. */
  hold(goOn: () => void): void;
  open(): void;
}

export const createGate = (): Gate => {
  const arrival = Promise.withResolvers<void>();
  const held: (() => void)[] = [];
  let isOpen = false;
  const hold = (goOn: () => void): void => {
    arrival.resolve();
    if (isOpen) goOn();
    else held.push(goOn);
  };
  return {
    reached: arrival.promise,
    pass: () => new Promise((resolve) => hold(resolve)),
    hold,
    open: () => {
      isOpen = true;
      for (const goOn of held.splice(0)) goOn();
    },
  };
};
