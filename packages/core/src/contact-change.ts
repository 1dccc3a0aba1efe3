/**
 * How an account moves to a new address. `new_only`: the new address proves itself and the old one is
 * told, with a way to undo it. `both`: each side confirms with a token of its own, in any order.
 */
export const changeModes = ['new_only', 'both'] as const;
export type ChangeMode = (typeof changeModes)[number];

/** Which address a message of a change goes to, and whose consent its token gives. */
export type ChangeSide = 'current' | 'new';
