/** A refusal as an smtp-server handler gives it: the reply code and its text. */
export const reply = (responseCode: number, text: string): Error =>
  Object.assign(new Error(text), { responseCode });
