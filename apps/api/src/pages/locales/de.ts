import type { PageStrings } from '../page-strings.ts';

export const de: PageStrings = {
  address: 'Adresse',
  live: {
    signup: {
      heading: 'Bestätigen Sie Ihre E-Mail-Adresse',
      body: 'Bestätigen Sie mit der Schaltfläche, dass diese Adresse Ihnen gehört und Sie sich damit bei {brand} registriert haben.',
      button: 'Diese Adresse bestätigen',
    },
    magiclink: {
      heading: 'Anmelden bei {brand}',
      body: 'Mit der Schaltfläche melden Sie sich an. Sie brauchen kein Passwort.',
      button: 'Anmelden',
    },
    email_change: {
      heading: 'Bestätigen Sie Ihre neue Adresse',
      body: 'Bestätigen Sie mit der Schaltfläche, dass diese Adresse Ihnen gehört und für Ihr Konto bei {brand} gelten soll.',
      button: 'Neue Adresse bestätigen',
    },
    email_change_current: {
      heading: 'Möchten Sie Ihre Adresse ändern?',
      body: 'Stimmen Sie mit der Schaltfläche zu, dass Ihr Konto bei {brand} eine neue Adresse bekommt.',
      button: 'Änderung bestätigen',
    },
  },
  liveNext:
    'Falls Sie das nicht waren, schließen Sie diese Seite. Ohne Klick auf die Schaltfläche geschieht nichts.',
  states: {
    consumed: {
      heading: 'Bereits bestätigt',
      body: 'Dieser Link wurde schon verwendet, die Bestätigung ist erledigt. Es bleibt nichts zu tun.',
      next: 'Kehren Sie zu dem Fenster zurück, in dem Sie begonnen haben, oder melden Sie sich an.',
    },
    expired: {
      heading: 'Dieser Link ist abgelaufen',
      body: 'Links gelten nur eine begrenzte Zeit, und die dieses Links ist vorbei.',
      next: 'Gehen Sie zu der Seite zurück, auf der Sie die E-Mail angefordert haben, und fordern Sie dort eine neue an. Deren Link funktioniert.',
    },
    superseded: {
      heading: 'Es gibt eine neuere E-Mail',
      body: 'Sie haben danach noch eine E-Mail angefordert, und nur der neueste Link gilt.',
      next: 'Suchen Sie die neueste E-Mail von {brand} und verwenden Sie deren Link. Falls sie nach einigen Minuten nicht da ist, sehen Sie im Spam-Ordner nach.',
    },
    locked: {
      heading: 'Zu viele falsche Codes',
      body: 'Es wurde zu oft ein falscher Code eingegeben. Zu Ihrem Schutz gelten weder der Code noch der Link dieser E-Mail weiter.',
      next: 'Gehen Sie zu der Seite zurück, auf der Sie die E-Mail angefordert haben, und fordern Sie dort eine neue an.',
    },
    suspended: {
      heading: 'Dieses Konto ist gesperrt',
      body: 'Solange das Konto gesperrt ist, lässt sich nichts bestätigen. Auch eine neue E-Mail würde daran nichts ändern.',
      next: 'Bitte wenden Sie sich an den Support von {brand}.',
    },
    unknown: {
      heading: 'Dieser Link funktioniert nicht',
      body: 'Wir kennen diesen Link nicht. Vielleicht ist er sehr alt oder wurde unterwegs verändert.',
      next: 'Öffnen Sie den Link in der neuesten E-Mail von {brand} noch einmal. Wenn das nicht hilft, fordern Sie eine neue E-Mail an, wo Sie diese angefordert haben.',
    },
  },
  resend: {
    button: 'Neue E-Mail senden',
    next: 'Mit der Schaltfläche geht eine neue E-Mail an dieselbe Adresse. Sie müssen sie nicht noch einmal eingeben.',
  },
  resent: {
    heading: 'Eine neue E-Mail ist unterwegs',
    body: 'Falls noch etwas zu bestätigen ist, kommt die E-Mail in wenigen Minuten an.',
    next: 'Verwenden Sie die neueste E-Mail von {brand}. Falls sie nicht kommt, sehen Sie im Spam-Ordner nach.',
  },
  confirmed: {
    heading: 'Ihre Adresse ist bestätigt',
    body: 'Vielen Dank. {brand} weiß nun, dass diese Adresse Ihnen gehört.',
    next: 'Sie können diese Seite schließen und zu Ihrem ersten Fenster zurückkehren, auf diesem oder einem anderen Gerät.',
  },
  firstWindow: {
    heading: 'Kehren Sie zu Ihrem ersten Fenster zurück',
    body: 'Ihre Bestätigung ist angekommen. Machen Sie in dem Fenster weiter, in dem Sie begonnen haben, auf diesem oder einem anderen Gerät.',
    next: 'Sie können diese Seite schließen. Hier geschieht nichts weiter.',
  },
  problems: {
    malformed: {
      heading: 'Dieser Link ist unvollständig',
      body: 'Ein Teil des Links fehlt oder wurde verändert. Manche E-Mail-Programme zerteilen lange Links.',
      next: 'Öffnen Sie die E-Mail von {brand} noch einmal und kopieren Sie den ganzen Link in die Adresszeile Ihres Browsers.',
    },
    unavailable: {
      heading: 'Bitte versuchen Sie es gleich noch einmal',
      body: 'Wir können diesen Link im Moment nicht prüfen. Der Link ist nicht verbraucht.',
      next: 'Warten Sie eine Minute und öffnen Sie den Link in Ihrer E-Mail noch einmal.',
    },
  },
  code: {
    heading: 'Geben Sie Ihren Code ein',
    body: 'Er steht in der neuesten Nachricht von {brand}.',
    label: 'Code',
    button: 'Bestätigen',
    next: 'Noch keine Nachricht? Es kann einige Minuten dauern. Sehen Sie auch im Spam-Ordner nach.',
    nextSms: 'Noch keine Nachricht? Es kann einige Minuten dauern.',
    resend: 'Neuen Code senden',
    wrong: 'Dieser Code stimmt nicht.',
    malformed: 'Ein Code besteht nur aus Ziffern. Bitte geben Sie alle ein.',
    triesLeft: '{count, plural, one {Sie haben noch # Versuch.} other {Sie haben noch # Versuche.}}',
  },
  notMe: {
    heading: 'Das waren nicht Sie?',
    body: 'Teilen Sie {brand} mit der Schaltfläche mit, dass Sie die E-Mail nicht angefordert haben. Ihr Link und ihr Code gelten dann nicht mehr.',
    button: 'Das war ich nicht',
    next: 'Falls Sie es doch waren, schließen Sie diese Seite. Dann ändert sich nichts.',
  },
  disowned: {
    heading: 'Danke für den Hinweis',
    body: 'Link und Code dieser E-Mail gelten nicht mehr, und {brand} weiß, dass Sie es nicht waren.',
    next: 'Es bleibt nichts zu tun. Sie können diese Seite schließen.',
  },
  password: {
    invitation: {
      heading: 'Einladung annehmen',
      body: 'Wählen Sie ein Passwort für Ihr Konto bei {brand}.',
      button: 'Einladung annehmen',
    },
    recovery: {
      heading: 'Wählen Sie ein neues Passwort',
      body: 'Es ersetzt Ihr bisheriges Passwort bei {brand}.',
      button: 'Neues Passwort speichern',
    },
    label: 'Neues Passwort',
    hint: '{min, plural, one {Mindestens # Zeichen.} other {Mindestens # Zeichen.}}',
    tooShort: 'Dieses Passwort ist zu kurz.',
    tooCommon: 'Dieses Passwort ist zu leicht zu erraten. Bitte wählen Sie ein anderes.',
    next: 'Mehrere Wörter hintereinander ergeben ein gutes Passwort. Verwenden Sie es nirgends sonst.',
  },
  passwordSet: {
    heading: 'Ihr Passwort ist gespeichert',
    body: 'Ab jetzt können Sie sich damit bei {brand} anmelden.',
    next: 'Sie können diese Seite schließen und zu dem Fenster zurückkehren, in dem Sie begonnen haben.',
  },
};
