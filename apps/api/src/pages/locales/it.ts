import type { PageStrings } from '../page-strings.ts';

export const it: PageStrings = {
  address: 'Indirizzo',
  live: {
    signup: {
      heading: 'Conferma il tuo indirizzo email',
      body: 'Premi il pulsante per confermare che questo indirizzo è tuo e che lo hai usato per registrarti a {brand}.',
      button: 'Conferma questo indirizzo',
    },
    magiclink: {
      heading: 'Accedi a {brand}',
      body: 'Premi il pulsante per accedere. Non serve alcuna password.',
      button: 'Accedi',
    },
    email_change: {
      heading: 'Conferma il tuo nuovo indirizzo',
      body: 'Premi il pulsante per confermare che questo indirizzo è tuo e diventa quello del tuo account {brand}.',
      button: 'Conferma il nuovo indirizzo',
    },
    email_change_current: {
      heading: 'Vuoi cambiare il tuo indirizzo?',
      body: 'Premi il pulsante per accettare che il tuo account {brand} passi a un nuovo indirizzo.',
      button: 'Conferma la modifica',
    },
  },
  liveNext:
    'Se la richiesta non è tua, chiudi questa pagina. Non succede nulla finché non premi il pulsante.',
  states: {
    consumed: {
      heading: 'Già confermato',
      body: 'Questo link è già stato usato e la conferma è avvenuta. Non resta altro da fare.',
      next: 'Torna alla finestra da cui hai iniziato, oppure accedi.',
    },
    expired: {
      heading: 'Questo link è scaduto',
      body: 'I link sono validi per un tempo limitato e quello di questo link è finito.',
      next: 'Torna alla pagina in cui hai richiesto l’email e richiedine una nuova. Il suo link funzionerà.',
    },
    superseded: {
      heading: 'È stata inviata un’email più recente',
      body: 'Hai richiesto un’altra email dopo questa ed è valido solo il link più recente.',
      next: 'Cerca l’ultima email di {brand} e usa il link che contiene. Se non arriva entro qualche minuto, controlla nella posta indesiderata.',
    },
    locked: {
      heading: 'Troppi codici errati',
      body: 'È stato inserito un codice errato troppe volte. Per proteggerti, né il codice né il link di questa email sono più validi.',
      next: 'Torna alla pagina in cui hai richiesto l’email e richiedine una nuova.',
    },
    suspended: {
      heading: 'Questo account è sospeso',
      body: 'Finché l’account è sospeso non si può confermare nulla e una nuova email non cambierebbe la situazione.',
      next: 'Contatta l’assistenza di {brand}.',
    },
    unknown: {
      heading: 'Questo link non funziona',
      body: 'Non conosciamo questo link. Può essere molto vecchio o essere stato modificato lungo il percorso.',
      next: 'Apri di nuovo il link dell’ultima email di {brand}. Se ancora non funziona, richiedi una nuova email dove hai richiesto questa.',
    },
  },
  resend: {
    button: 'Invia una nuova email',
    next: 'Premi il pulsante e una nuova email partirà verso lo stesso indirizzo. Non devi scriverlo di nuovo.',
  },
  resent: {
    heading: 'Una nuova email è in arrivo',
    body: 'Se c’è ancora qualcosa da confermare, l’email arriverà entro qualche minuto.',
    next: 'Usa l’ultima email di {brand}. Se non arriva, controlla nella posta indesiderata.',
  },
  confirmed: {
    heading: 'Il tuo indirizzo è confermato',
    body: 'Grazie. Ora {brand} sa che questo indirizzo è tuo.',
    next: 'Puoi chiudere questa pagina e tornare alla prima finestra, su questo dispositivo o su un altro.',
  },
  firstWindow: {
    heading: 'Torna alla prima finestra',
    body: 'La tua conferma è arrivata. Continua nella finestra da cui hai iniziato, su questo dispositivo o su un altro.',
    next: 'Puoi chiudere questa pagina. Qui non succede altro.',
  },
  problems: {
    malformed: {
      heading: 'Questo link non è completo',
      body: 'Una parte del link manca o è stata modificata. Alcuni programmi di posta spezzano i link lunghi.',
      next: 'Apri di nuovo l’email di {brand} e copia il link intero nella barra degli indirizzi del browser.',
    },
    unavailable: {
      heading: 'Riprova tra un momento',
      body: 'In questo momento non possiamo verificare questo link. Il link resta utilizzabile.',
      next: 'Aspetta un minuto e apri di nuovo il link nella tua email.',
    },
  },
  code: {
    heading: 'Inserisci il tuo codice',
    body: 'Si trova nell’ultimo messaggio di {brand}.',
    label: 'Codice',
    button: 'Conferma',
    next: 'Ancora nessun messaggio? Può volerci qualche minuto. Controlla anche nella posta indesiderata.',
    nextSms: 'Ancora nessun messaggio? Può volerci qualche minuto.',
    resend: 'Invia un nuovo codice',
    wrong: 'Questo codice non è corretto.',
    malformed: 'Un codice contiene solo cifre. Inseriscile tutte.',
    triesLeft:
      '{count, plural, one {Ti resta # tentativo.} many {Ti restano # tentativi.} other {Ti restano # tentativi.}}',
  },
  notMe: {
    heading: 'La richiesta non è tua?',
    body: 'Premi il pulsante per segnalare a {brand} che non hai richiesto l’email. Il suo link e il suo codice smetteranno di funzionare.',
    button: 'La richiesta non è mia',
    next: 'Se invece è tua, chiudi questa pagina. In quel caso non cambia nulla.',
  },
  disowned: {
    heading: 'Grazie della segnalazione',
    body: 'Il link e il codice di quell’email non funzionano più e {brand} sa che la richiesta non è tua.',
    next: 'Non resta altro da fare. Puoi chiudere questa pagina.',
  },
  password: {
    invitation: {
      heading: 'Accetta l’invito',
      body: 'Scegli una password per il tuo account {brand}.',
      button: 'Accetta l’invito',
    },
    recovery: {
      heading: 'Scegli una nuova password',
      body: 'Sostituirà la tua vecchia password di {brand}.',
      button: 'Salva la nuova password',
    },
    label: 'Nuova password',
    hint: '{min, plural, one {Almeno # carattere.} many {Almeno # caratteri.} other {Almeno # caratteri.}}',
    tooShort: 'Questa password è troppo corta.',
    tooCommon: 'Questa password è troppo facile da indovinare. Scegline un’altra.',
    next: 'Più parole di seguito formano una buona password. Non usarla altrove.',
  },
  passwordSet: {
    heading: 'La tua password è salvata',
    body: 'D’ora in poi puoi usarla per accedere a {brand}.',
    next: 'Puoi chiudere questa pagina e tornare alla finestra da cui hai iniziato.',
  },
};
