import type { PageStrings } from '../page-strings.ts';

export const fr: PageStrings = {
  address: 'Adresse',
  live: {
    signup: {
      heading: 'Confirmez votre adresse e-mail',
      body: 'Appuyez sur le bouton pour confirmer que cette adresse vous appartient et que vous l’avez utilisée pour créer un compte {brand}.',
      button: 'Confirmer cette adresse',
    },
    magiclink: {
      heading: 'Connectez-vous à {brand}',
      body: 'Appuyez sur le bouton pour vous connecter. Aucun mot de passe n’est nécessaire.',
      button: 'Se connecter',
    },
    email_change: {
      heading: 'Confirmez votre nouvelle adresse',
      body: 'Appuyez sur le bouton pour confirmer que cette adresse vous appartient et devient celle de votre compte {brand}.',
      button: 'Confirmer la nouvelle adresse',
    },
    email_change_current: {
      heading: 'Voulez-vous changer d’adresse ?',
      body: 'Appuyez sur le bouton pour accepter que votre compte {brand} passe à une nouvelle adresse.',
      button: 'Confirmer le changement',
    },
  },
  liveNext:
    'Si ce n’est pas vous, fermez cette page. Rien ne se passe tant que vous n’appuyez pas sur le bouton.',
  states: {
    consumed: {
      heading: 'Déjà confirmé',
      body: 'Ce lien a déjà été utilisé et la confirmation est faite. Il ne reste rien à faire.',
      next: 'Revenez à la fenêtre où vous avez commencé, ou connectez-vous.',
    },
    expired: {
      heading: 'Ce lien a expiré',
      body: 'Les liens sont valables pendant une durée limitée, et celle de ce lien est écoulée.',
      next: 'Revenez à la page où vous avez demandé l’e-mail et demandez-en un nouveau. Son lien fonctionnera.',
    },
    superseded: {
      heading: 'Un e-mail plus récent a été envoyé',
      body: 'Vous avez demandé un autre e-mail après celui-ci, et seul le lien le plus récent est valable.',
      next: 'Cherchez le dernier e-mail de {brand} et utilisez son lien. S’il n’arrive pas d’ici quelques minutes, regardez dans vos courriers indésirables.',
    },
    locked: {
      heading: 'Trop de codes erronés',
      body: 'Un code erroné a été saisi trop souvent. Pour votre protection, ni le code ni le lien de cet e-mail ne fonctionnent plus.',
      next: 'Revenez à la page où vous avez demandé l’e-mail et demandez-en un nouveau.',
    },
    suspended: {
      heading: 'Ce compte est suspendu',
      body: 'Rien ne peut être confirmé tant que le compte est suspendu, et un nouvel e-mail n’y changerait rien.',
      next: 'Veuillez contacter l’assistance de {brand}.',
    },
    unknown: {
      heading: 'Ce lien ne fonctionne pas',
      body: 'Nous ne connaissons pas ce lien. Il est peut-être très ancien ou a été modifié en chemin.',
      next: 'Ouvrez à nouveau le lien du dernier e-mail de {brand}. S’il ne fonctionne toujours pas, demandez un nouvel e-mail là où vous avez demandé celui-ci.',
    },
  },
  resend: {
    button: 'Envoyer un nouvel e-mail',
    next: 'Appuyez sur le bouton et un nouvel e-mail part à la même adresse. Vous n’avez pas à la saisir de nouveau.',
  },
  resent: {
    heading: 'Un nouvel e-mail est en route',
    body: 'S’il reste quelque chose à confirmer, l’e-mail arrivera d’ici quelques minutes.',
    next: 'Utilisez le dernier e-mail de {brand}. S’il n’arrive pas, regardez dans vos courriers indésirables.',
  },
  confirmed: {
    heading: 'Votre adresse est confirmée',
    body: 'Merci. {brand} sait maintenant que cette adresse vous appartient.',
    next: 'Vous pouvez fermer cette page et revenir à votre première fenêtre, sur cet appareil ou sur un autre.',
  },
  firstWindow: {
    heading: 'Revenez à votre première fenêtre',
    body: 'Votre confirmation est bien arrivée. Continuez dans la fenêtre où vous avez commencé, sur cet appareil ou sur un autre.',
    next: 'Vous pouvez fermer cette page. Il ne se passe plus rien ici.',
  },
  problems: {
    malformed: {
      heading: 'Ce lien n’est pas complet',
      body: 'Une partie du lien manque ou a été modifiée. Certains logiciels de messagerie coupent les liens longs.',
      next: 'Ouvrez à nouveau l’e-mail de {brand} et copiez le lien entier dans la barre d’adresse de votre navigateur.',
    },
    unavailable: {
      heading: 'Veuillez réessayer dans un instant',
      body: 'Nous ne pouvons pas vérifier ce lien pour le moment. Le lien reste utilisable.',
      next: 'Attendez une minute et ouvrez à nouveau le lien de votre e-mail.',
    },
  },
  code: {
    heading: 'Saisissez votre code',
    body: 'Il figure dans le dernier message de {brand}.',
    label: 'Code',
    button: 'Confirmer',
    next: 'Pas encore de message ? Il peut mettre quelques minutes. Regardez aussi dans vos courriers indésirables.',
    nextSms: 'Pas encore de message ? Il peut mettre quelques minutes.',
    resend: 'Envoyer un nouveau code',
    wrong: 'Ce code n’est pas le bon.',
    malformed: 'Un code ne contient que des chiffres. Veuillez les saisir tous.',
    triesLeft:
      '{count, plural, one {Il vous reste # essai.} many {Il vous reste # essais.} other {Il vous reste # essais.}}',
  },
  notMe: {
    heading: 'Ce n’était pas vous ?',
    body: 'Appuyez sur le bouton pour signaler à {brand} que vous n’avez pas demandé l’e-mail. Son lien et son code cesseront alors de fonctionner.',
    button: 'Ce n’était pas moi',
    next: 'Si c’était bien vous, fermez cette page. Rien ne change alors.',
  },
  disowned: {
    heading: 'Merci de nous avoir prévenus',
    body: 'Le lien et le code de cet e-mail ne fonctionnent plus, et {brand} sait que ce n’était pas vous.',
    next: 'Il ne reste rien à faire. Vous pouvez fermer cette page.',
  },
  password: {
    invitation: {
      heading: 'Acceptez l’invitation',
      body: 'Choisissez un mot de passe pour votre compte {brand}.',
      button: 'Accepter l’invitation',
    },
    recovery: {
      heading: 'Choisissez un nouveau mot de passe',
      body: 'Il remplacera votre ancien mot de passe {brand}.',
      button: 'Enregistrer le mot de passe',
    },
    label: 'Nouveau mot de passe',
    hint: '{min, plural, one {Au moins # caractère.} many {Au moins # caractères.} other {Au moins # caractères.}}',
    tooShort: 'Ce mot de passe est trop court.',
    tooCommon: 'Ce mot de passe est trop facile à deviner. Veuillez en choisir un autre.',
    next: 'Plusieurs mots à la suite font un bon mot de passe. Ne l’utilisez nulle part ailleurs.',
  },
  passwordSet: {
    heading: 'Votre mot de passe est enregistré',
    body: 'Vous pouvez désormais l’utiliser pour vous connecter à {brand}.',
    next: 'Vous pouvez fermer cette page et revenir à la fenêtre où vous avez commencé.',
  },
};
