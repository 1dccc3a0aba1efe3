import type { PageStrings } from '../page-strings.ts';

export const es: PageStrings = {
  address: 'Dirección',
  live: {
    signup: {
      heading: 'Confirma tu dirección de correo',
      body: 'Pulsa el botón para confirmar que esta dirección es tuya y que te has registrado con ella en {brand}.',
      button: 'Confirmar esta dirección',
    },
    magiclink: {
      heading: 'Inicia sesión en {brand}',
      body: 'Pulsa el botón para iniciar sesión. No necesitas contraseña.',
      button: 'Iniciar sesión',
    },
    email_change: {
      heading: 'Confirma tu dirección nueva',
      body: 'Pulsa el botón para confirmar que esta dirección es tuya y pasa a ser la de tu cuenta en {brand}.',
      button: 'Confirmar la dirección nueva',
    },
    email_change_current: {
      heading: '¿Quieres cambiar tu dirección?',
      body: 'Pulsa el botón para aceptar que tu cuenta en {brand} pase a una dirección nueva.',
      button: 'Confirmar el cambio',
    },
  },
  liveNext: 'Si no has sido tú, cierra esta página. No ocurre nada hasta que pulses el botón.',
  states: {
    consumed: {
      heading: 'Ya está confirmado',
      body: 'Este enlace ya se usó antes y la confirmación está hecha. No tienes que hacer nada más.',
      next: 'Vuelve a la ventana en la que empezaste o inicia sesión.',
    },
    expired: {
      heading: 'Este enlace ha caducado',
      body: 'Los enlaces funcionan durante un tiempo limitado, y el de este ya ha pasado.',
      next: 'Vuelve a la página en la que pediste el correo y pide allí uno nuevo. Su enlace funcionará.',
    },
    superseded: {
      heading: 'Se ha enviado un correo más reciente',
      body: 'Pediste otro correo después de este, y solo funciona el enlace más reciente.',
      next: 'Busca el último correo de {brand} y usa el enlace que contiene. Si no llega en unos minutos, mira en la carpeta de correo no deseado.',
    },
    locked: {
      heading: 'Demasiados códigos incorrectos',
      body: 'Se ha escrito un código incorrecto demasiadas veces. Para protegerte, ni el código ni el enlace de este correo funcionan ya.',
      next: 'Vuelve a la página en la que pediste el correo y pide allí uno nuevo.',
    },
    suspended: {
      heading: 'Esta cuenta está suspendida',
      body: 'No se puede confirmar nada mientras la cuenta esté suspendida, y un correo nuevo no lo cambiaría.',
      next: 'Ponte en contacto con el servicio de atención de {brand}.',
    },
    unknown: {
      heading: 'Este enlace no funciona',
      body: 'No conocemos este enlace. Puede ser muy antiguo o haber cambiado por el camino.',
      next: 'Abre otra vez el enlace del último correo de {brand}. Si sigue sin funcionar, pide un correo nuevo donde pediste este.',
    },
  },
  resend: {
    button: 'Enviar un correo nuevo',
    next: 'Pulsa el botón y enviaremos un correo nuevo a la misma dirección. No hace falta que la escribas otra vez.',
  },
  resent: {
    heading: 'Hay un correo nuevo en camino',
    body: 'Si aún queda algo por confirmar, el correo llegará en unos minutos.',
    next: 'Usa el último correo de {brand}. Si no llega, mira en la carpeta de correo no deseado.',
  },
  confirmed: {
    heading: 'Tu dirección está confirmada',
    body: 'Gracias. {brand} ya sabe que esta dirección es tuya.',
    next: 'Puedes cerrar esta página y volver a la primera ventana, en este dispositivo o en otro.',
  },
  firstWindow: {
    heading: 'Vuelve a la primera ventana',
    body: 'Hemos recibido tu confirmación. Continúa en la ventana en la que empezaste, en este dispositivo o en otro.',
    next: 'Puedes cerrar esta página. Aquí no ocurre nada más.',
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
  code: {
    heading: 'Escribe tu código',
    body: 'Está en el último mensaje de {brand}.',
    label: 'Código',
    button: 'Confirmar',
    next: '¿No ha llegado el mensaje? Puede tardar unos minutos. Mira también en la carpeta de correo no deseado.',
    nextSms: '¿No ha llegado el mensaje? Puede tardar unos minutos.',
    resend: 'Enviar un código nuevo',
    wrong: 'Este código no es correcto.',
    malformed: 'Un código solo tiene cifras. Escríbelas todas.',
    triesLeft:
      '{count, plural, one {Te queda # intento.} many {Te quedan # intentos.} other {Te quedan # intentos.}}',
  },
  notMe: {
    heading: '¿No has sido tú?',
    body: 'Pulsa el botón para decir a {brand} que no pediste el correo. Su enlace y su código dejarán de funcionar.',
    button: 'No he sido yo',
    next: 'Si has sido tú, cierra esta página. Entonces no cambia nada.',
  },
  disowned: {
    heading: 'Gracias por avisarnos',
    body: 'El enlace y el código de ese correo ya no funcionan, y {brand} sabe que no has sido tú.',
    next: 'No tienes que hacer nada más. Puedes cerrar esta página.',
  },
  password: {
    invitation: {
      heading: 'Acepta la invitación',
      body: 'Elige una contraseña para tu cuenta en {brand}.',
      button: 'Aceptar la invitación',
    },
    recovery: {
      heading: 'Elige una contraseña nueva',
      body: 'Sustituirá a tu contraseña anterior en {brand}.',
      button: 'Guardar la contraseña nueva',
    },
    label: 'Contraseña nueva',
    hint: '{min, plural, one {Al menos # carácter.} many {Al menos # caracteres.} other {Al menos # caracteres.}}',
    tooShort: 'Esta contraseña es demasiado corta.',
    tooCommon: 'Esta contraseña es demasiado fácil de adivinar. Elige otra.',
    next: 'Varias palabras seguidas forman una buena contraseña. No la uses en ningún otro sitio.',
  },
  passwordSet: {
    heading: 'Tu contraseña está guardada',
    body: 'A partir de ahora puedes usarla para iniciar sesión en {brand}.',
    next: 'Puedes cerrar esta página y volver a la ventana en la que empezaste.',
  },
};
