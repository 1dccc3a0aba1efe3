import type { DeliveryState } from '@reconfirm/core/delivery-state';
import { styleText } from 'node:util';

/** Marks text up for a terminal. */
export interface Paint {
  state(state: DeliveryState, width?: number): string;
  strong(text: string): string;
  faint(text: string): string;
}

const colors = {
  QUEUED: 'yellow',
  NOT_SENT: 'magenta',
  SENT: 'cyan',
  UNCONFIRMED: 'yellow',
  DELIVERED: 'green',
  FAILED: 'red',
  COMPLAINED: 'red',
} as const satisfies Record<DeliveryState, string>;

type Style = Parameters<typeof styleText>[0];

/** Colours where somebody looks, plain text where a program reads. */
export const createPaint = (colored: boolean): Paint => {
  const paint = (style: Style, text: string): string =>
    colored ? styleText(style, text, { validateStream: false }) : text;
  return {
    state: (state, width = 0) => paint(['bold', colors[state]], state.padEnd(width)),
    strong: (text) => paint('bold', text),
    faint: (text) => paint('dim', text),
  };
};

/** On a terminal, unless its owner wants none (no-color.org). */
export const isColored = (
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean => stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '';
