/**
 * Large mail services whose name is long enough that one wrong letter hardly makes another real domain: `gmx.de`
 * and `me.com` have too many neighbours.
 */
const oftenMeant = [
  'gmail.com',
  'googlemail.com',
  'hotmail.com',
  'hotmail.fr',
  'hotmail.co.uk',
  'icloud.com',
  'outlook.com',
  'protonmail.com',
  'yahoo.com',
  'yahoo.fr',
  'yahoo.co.uk',
  'yandex.ru',
] as const;

/** One letter away from one of those, and services of their own. */
const realNeighbours: ReadonlySet<string> = new Set([
  'mail.com',
  'email.com',
  'ymail.com',
  'yahoo.co',
  'yandex.ua',
]);

/**
 * The address that was probably meant, where the domain is one slip of the keys away from a large service
 * (`ana@gmial.com`: `ana@gmail.com`), or null. A hint for whoever typed it, never a reason to refuse.
 */
export const suggestAddress = (email: string): string | null => {
  const at = email.lastIndexOf('@');
  const domain = email.slice(at + 1).toLowerCase();
  if (realNeighbours.has(domain) || oftenMeant.some((known) => known === domain)) return null;
  const meant = oftenMeant.find((known) => isOneSlipAway(domain, known));
  return meant === undefined ? null : `${email.slice(0, at)}@${meant}`;
};

/** Whether one letter was added, left out, exchanged for another, or changed places with the next. */
const isOneSlipAway = (typed: string, meant: string): boolean => {
  const [shorter, longer] = typed.length < meant.length ? [typed, meant] : [meant, typed];
  if (longer.length - shorter.length > 1) return false;
  let same = 0;
  while (same < shorter.length && shorter[same] === longer[same]) same += 1;
  if (shorter.length < longer.length) return shorter.slice(same) === longer.slice(same + 1);
  const isExchanged = shorter.slice(same + 1) === longer.slice(same + 1);
  const isSwapped =
    shorter[same] === longer[same + 1] &&
    shorter[same + 1] === longer[same] &&
    shorter.slice(same + 2) === longer.slice(same + 2);
  return isExchanged || isSwapped;
};
