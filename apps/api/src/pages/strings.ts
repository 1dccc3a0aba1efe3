import { chooseLocale, isRightToLeft } from '@reconfirm/core/locale';

/** What one page says. `{brand}` stands for the brand's name. */
export interface PageText {
  readonly heading: string;
  readonly body: string;
  /** What to do next. */
  readonly next: string;
}

/** What a link can be found to be when it is opened. */
export const confirmationStates = [
  'live',
  'consumed',
  'expired',
  'superseded',
  'suspended',
  'unknown',
] as const;
export type ConfirmationState = (typeof confirmationStates)[number];

/** Why there is nothing to say about a link. */
export const pageProblems = ['malformed', 'unavailable'] as const;
export type PageProblem = (typeof pageProblems)[number];

export interface PageStrings {
  readonly states: Readonly<Record<ConfirmationState, PageText>>;
  readonly confirmed: PageText;
  readonly problems: Readonly<Record<PageProblem, PageText>>;
  readonly button: string;
  readonly address: string;
}

const en = {
  button: 'Confirm this address',
  address: 'Address',
  states: {
    live: {
      heading: 'Confirm your email address',
      body: 'Press the button to confirm that this address is yours and that you signed up for {brand} with it.',
      next: 'If you did not sign up for {brand}, close this page. Nothing is confirmed until you press the button.',
    },
    consumed: {
      heading: 'Already confirmed',
      body: 'This address was confirmed with this link before. There is nothing left to do.',
      next: 'Return to the window where you signed up for {brand}, or sign in.',
    },
    expired: {
      heading: 'This link has expired',
      body: 'Links for confirming an address work for a limited time, and the time of this one is over.',
      next: 'Go back to the page where you signed up for {brand} and ask for a new mail there. Its link will work.',
    },
    superseded: {
      heading: 'A newer mail was sent',
      body: 'You asked for another mail after this one, and only the newest link works.',
      next: 'Look for the newest mail from {brand} and use the link in that one. If it has not arrived within a few minutes, look in your spam folder.',
    },
    suspended: {
      heading: 'This account is suspended',
      body: 'The address cannot be confirmed while the account is suspended, and a new mail would not change that.',
      next: 'Please contact the support of {brand}.',
    },
    unknown: {
      heading: 'This link does not work',
      body: 'We do not know this link. It may be very old, or it may have been changed on its way to you.',
      next: 'Open the link in the newest mail from {brand} once more. If it still does not work, ask for a new mail on the page where you signed up.',
    },
  },
  confirmed: {
    heading: 'Your address is confirmed',
    body: 'Thank you. {brand} now knows that this address is yours.',
    next: 'You can close this page and return to your first window, on this device or on another.',
  },
  problems: {
    malformed: {
      heading: 'This link is not complete',
      body: 'Part of the link is missing or was changed. Some mail programs cut long links in two.',
      next: 'Open the mail from {brand} again and copy the whole link into the address bar of your browser.',
    },
    unavailable: {
      heading: 'Please try again in a moment',
      body: 'We cannot look up this link right now. The link itself is not used up.',
      next: 'Wait a minute and open the link in your mail again.',
    },
  },
} satisfies PageStrings;

const es = {
  button: 'Confirmar esta dirección',
  address: 'Dirección',
  states: {
    live: {
      heading: 'Confirma tu dirección de correo',
      body: 'Pulsa el botón para confirmar que esta dirección es tuya y que te has registrado con ella en {brand}.',
      next: 'Si no te has registrado en {brand}, cierra esta página. No se confirma nada hasta que pulses el botón.',
    },
    consumed: {
      heading: 'Ya está confirmada',
      body: 'Esta dirección ya se confirmó antes con este enlace. No tienes que hacer nada más.',
      next: 'Vuelve a la ventana en la que te registraste en {brand} o inicia sesión.',
    },
    expired: {
      heading: 'Este enlace ha caducado',
      body: 'Los enlaces para confirmar una dirección funcionan durante un tiempo limitado, y el de este ya ha pasado.',
      next: 'Vuelve a la página en la que te registraste en {brand} y pide allí un correo nuevo. Su enlace funcionará.',
    },
    superseded: {
      heading: 'Se ha enviado un correo más reciente',
      body: 'Pediste otro correo después de este, y solo funciona el enlace más reciente.',
      next: 'Busca el último correo de {brand} y usa el enlace que contiene. Si no llega en unos minutos, mira en la carpeta de correo no deseado.',
    },
    suspended: {
      heading: 'Esta cuenta está suspendida',
      body: 'La dirección no se puede confirmar mientras la cuenta esté suspendida, y un correo nuevo no lo cambiaría.',
      next: 'Ponte en contacto con el servicio de atención de {brand}.',
    },
    unknown: {
      heading: 'Este enlace no funciona',
      body: 'No conocemos este enlace. Puede ser muy antiguo o haber cambiado por el camino.',
      next: 'Abre otra vez el enlace del último correo de {brand}. Si sigue sin funcionar, pide un correo nuevo en la página en la que te registraste.',
    },
  },
  confirmed: {
    heading: 'Tu dirección está confirmada',
    body: 'Gracias. {brand} ya sabe que esta dirección es tuya.',
    next: 'Puedes cerrar esta página y volver a la primera ventana, en este dispositivo o en otro.',
  },
  problems: {
    malformed: {
      heading: 'Este enlace no está completo',
      body: 'Falta una parte del enlace o ha cambiado. Algunos programas de correo cortan los enlaces largos.',
      next: 'Abre otra vez el correo de {brand} y copia el enlace entero en la barra de direcciones del navegador.',
    },
    unavailable: {
      heading: 'Vuelve a intentarlo dentro de un momento',
      body: 'Ahora mismo no podemos comprobar este enlace. El enlace no se ha gastado.',
      next: 'Espera un minuto y abre otra vez el enlace de tu correo.',
    },
  },
} satisfies PageStrings;

/** The pages for people in every language they have. A language that lacks a string does not compile. */
export const pageStrings = { en, es } as const satisfies Readonly<Record<string, PageStrings>>;

export type PageLocale = keyof typeof pageStrings;

const isPageLocale = (locale: string): locale is PageLocale => Object.hasOwn(pageStrings, locale);

export interface PageLanguage {
  readonly lang: PageLocale;
  readonly dir: 'ltr' | 'rtl';
  readonly strings: PageStrings;
}

/** The language of the pages that serves this BCP 47 tag best; English where there is none. */
export const pageLanguage = (locale: string): PageLanguage => {
  const chosen = chooseLocale(locale, undefined, Object.keys(pageStrings), 'en');
  const lang = isPageLocale(chosen) ? chosen : 'en';
  return { lang, dir: isRightToLeft(lang) ? 'rtl' : 'ltr', strings: pageStrings[lang] };
};
