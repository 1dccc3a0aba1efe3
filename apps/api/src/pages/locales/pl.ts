import type { PageStrings } from '../page-strings.ts';

export const pl: PageStrings = {
  address: 'Adres',
  live: {
    signup: {
      heading: 'Potwierdź swój adres e-mail',
      body: 'Naciśnij przycisk, aby potwierdzić, że ten adres należy do Ciebie i że to z nim zakładasz konto w {brand}.',
      button: 'Potwierdź ten adres',
    },
    magiclink: {
      heading: 'Zaloguj się do {brand}',
      body: 'Naciśnij przycisk, aby się zalogować. Hasło nie jest potrzebne.',
      button: 'Zaloguj się',
    },
    email_change: {
      heading: 'Potwierdź nowy adres',
      body: 'Naciśnij przycisk, aby potwierdzić, że ten adres należy do Ciebie i ma być adresem Twojego konta w {brand}.',
      button: 'Potwierdź nowy adres',
    },
    email_change_current: {
      heading: 'Czy chcesz zmienić adres?',
      body: 'Naciśnij przycisk, aby zgodzić się na nowy adres Twojego konta w {brand}.',
      button: 'Potwierdź zmianę',
    },
  },
  liveNext: 'Jeśli to nie Ty, zamknij tę stronę. Nic się nie stanie, dopóki nie naciśniesz przycisku.',
  states: {
    consumed: {
      heading: 'Już potwierdzone',
      body: 'Ten link został już użyty, a potwierdzenie jest gotowe. Nie musisz nic robić.',
      next: 'Wróć do okna, w którym wszystko się zaczęło, albo zaloguj się.',
    },
    expired: {
      heading: 'Ten link wygasł',
      body: 'Linki działają przez ograniczony czas, a czas tego linku już minął.',
      next: 'Wróć na stronę, z której pochodzi prośba o wiadomość, i poproś tam o nową. Jej link zadziała.',
    },
    superseded: {
      heading: 'Wysłano nowszą wiadomość',
      body: 'Po tej wiadomości wysłano kolejną, a działa tylko najnowszy link.',
      next: 'Znajdź najnowszą wiadomość od {brand} i użyj linku, który w niej jest. Jeśli nie dotrze w ciągu kilku minut, zajrzyj do folderu ze spamem.',
    },
    locked: {
      heading: 'Zbyt wiele błędnych kodów',
      body: 'Zbyt wiele razy wpisano błędny kod. Dla Twojego bezpieczeństwa ani kod, ani link z tej wiadomości już nie działa.',
      next: 'Wróć na stronę, z której pochodzi prośba o wiadomość, i poproś tam o nową.',
    },
    suspended: {
      heading: 'To konto jest zawieszone',
      body: 'Dopóki konto jest zawieszone, nie można niczego potwierdzić, a nowa wiadomość tego nie zmieni.',
      next: 'Skontaktuj się z pomocą {brand}.',
    },
    unknown: {
      heading: 'Ten link nie działa',
      body: 'Nie znamy tego linku. Może być bardzo stary lub mógł zmienić się po drodze.',
      next: 'Otwórz jeszcze raz link z najnowszej wiadomości od {brand}. Jeśli nadal nie działa, poproś o nową wiadomość tam, skąd pochodzi ta.',
    },
  },
  resend: {
    button: 'Wyślij nową wiadomość',
    next: 'Naciśnij przycisk, a nowa wiadomość trafi na ten sam adres. Nie musisz go wpisywać ponownie.',
  },
  resent: {
    heading: 'Nowa wiadomość jest w drodze',
    body: 'Jeśli jest jeszcze coś do potwierdzenia, wiadomość dotrze w ciągu kilku minut.',
    next: 'Użyj najnowszej wiadomości od {brand}. Jeśli nie dotrze, zajrzyj do folderu ze spamem.',
  },
  confirmed: {
    heading: 'Twój adres jest potwierdzony',
    body: 'Dziękujemy. {brand} wie już, że ten adres należy do Ciebie.',
    next: 'Możesz zamknąć tę stronę i wrócić do pierwszego okna, na tym lub innym urządzeniu.',
  },
  firstWindow: {
    heading: 'Wróć do pierwszego okna',
    body: 'Twoje potwierdzenie dotarło. Kontynuuj w oknie, w którym wszystko się zaczęło, na tym lub innym urządzeniu.',
    next: 'Możesz zamknąć tę stronę. Nic więcej się tu nie wydarzy.',
  },
  problems: {
    malformed: {
      heading: 'Ten link jest niekompletny',
      body: 'Brakuje części linku lub została zmieniona. Niektóre programy pocztowe dzielą długie linki.',
      next: 'Otwórz jeszcze raz wiadomość od {brand} i skopiuj cały link do paska adresu przeglądarki.',
    },
    unavailable: {
      heading: 'Spróbuj ponownie za chwilę',
      body: 'W tej chwili nie możemy sprawdzić tego linku. Link nadal jest ważny.',
      next: 'Poczekaj minutę i otwórz jeszcze raz link ze swojej wiadomości.',
    },
  },
  code: {
    heading: 'Wpisz swój kod',
    body: 'Znajdziesz go w najnowszej wiadomości od {brand}.',
    label: 'Kod',
    button: 'Potwierdź',
    next: 'Nie ma jeszcze wiadomości? Może to potrwać kilka minut. Zajrzyj też do folderu ze spamem.',
    nextSms: 'Nie ma jeszcze wiadomości? Może to potrwać kilka minut.',
    resend: 'Wyślij nowy kod',
    wrong: 'Ten kod jest nieprawidłowy.',
    malformed: 'Kod składa się z samych cyfr. Wpisz je wszystkie.',
    triesLeft:
      '{count, plural, one {Pozostała # próba.} few {Pozostały # próby.} many {Pozostało # prób.} other {Pozostało # próby.}}',
  },
  notMe: {
    heading: 'To nie Ty?',
    body: 'Naciśnij przycisk, aby przekazać {brand}, że to nie Twoja prośba o wiadomość. Jej link i kod przestaną działać.',
    button: 'To nie ja',
    next: 'Jeśli to jednak Ty, zamknij tę stronę. Nic się wtedy nie zmieni.',
  },
  disowned: {
    heading: 'Dziękujemy za zgłoszenie',
    body: 'Link i kod z tamtej wiadomości już nie działają, a {brand} wie, że to nie Ty.',
    next: 'Nie musisz nic więcej robić. Możesz zamknąć tę stronę.',
  },
  password: {
    invitation: {
      heading: 'Przyjmij zaproszenie',
      body: 'Ustaw hasło do swojego konta w {brand}.',
      button: 'Przyjmij zaproszenie',
    },
    recovery: {
      heading: 'Ustaw nowe hasło',
      body: 'Zastąpi ono Twoje dotychczasowe hasło w {brand}.',
      button: 'Zapisz nowe hasło',
    },
    label: 'Nowe hasło',
    hint: '{min, plural, one {Co najmniej # znak.} few {Co najmniej # znaki.} many {Co najmniej # znaków.} other {Co najmniej # znaku.}}',
    tooShort: 'To hasło jest za krótkie.',
    tooCommon: 'To hasło zbyt łatwo odgadnąć. Ustaw inne.',
    next: 'Kilka słów z rzędu tworzy dobre hasło. Nie używaj go nigdzie indziej.',
  },
  passwordSet: {
    heading: 'Twoje hasło jest zapisane',
    body: 'Od teraz możesz się nim logować do {brand}.',
    next: 'Możesz zamknąć tę stronę i wrócić do okna, w którym wszystko się zaczęło.',
  },
};
