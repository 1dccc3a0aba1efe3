import type { PageStrings } from '../page-strings.ts';

export const ptBR: PageStrings = {
  address: 'Endereço',
  live: {
    signup: {
      heading: 'Confirme seu e-mail',
      body: 'Toque no botão para confirmar que este endereço é seu e que você se cadastrou com ele em {brand}.',
      button: 'Confirmar este endereço',
    },
    magiclink: {
      heading: 'Entre em {brand}',
      body: 'Toque no botão para entrar. Você não precisa de senha.',
      button: 'Entrar',
    },
    email_change: {
      heading: 'Confirme seu novo endereço',
      body: 'Toque no botão para confirmar que este endereço é seu e passa a ser o da sua conta em {brand}.',
      button: 'Confirmar o novo endereço',
    },
    email_change_current: {
      heading: 'Quer mudar seu endereço?',
      body: 'Toque no botão para aceitar que sua conta em {brand} passe para um novo endereço.',
      button: 'Confirmar a mudança',
    },
  },
  liveNext: 'Se não foi você, feche esta página. Nada acontece até que você toque no botão.',
  states: {
    consumed: {
      heading: 'Já está confirmado',
      body: 'Este link já foi usado e a confirmação está feita. Não é preciso fazer mais nada.',
      next: 'Volte para a janela em que você começou ou entre na sua conta.',
    },
    expired: {
      heading: 'Este link expirou',
      body: 'Os links valem por tempo limitado, e o deste já acabou.',
      next: 'Volte à página em que você pediu o e-mail e peça outro por lá. O novo link vai funcionar.',
    },
    superseded: {
      heading: 'Há um e-mail mais recente',
      body: 'Você pediu outro e-mail depois deste, e só o link mais recente vale.',
      next: 'Procure o e-mail mais recente de {brand} e use o link dele. Se ele não chegar em alguns minutos, veja na pasta de spam.',
    },
    locked: {
      heading: 'Códigos errados demais',
      body: 'Um código errado foi digitado vezes demais. Para sua proteção, nem o código nem o link deste e-mail valem mais.',
      next: 'Volte à página em que você pediu o e-mail e peça outro por lá.',
    },
    suspended: {
      heading: 'Esta conta está suspensa',
      body: 'Nada pode ser confirmado enquanto a conta estiver suspensa, e um novo e-mail não mudaria isso.',
      next: 'Fale com o suporte de {brand}.',
    },
    unknown: {
      heading: 'Este link não funciona',
      body: 'Não conhecemos este link. Ele pode ser muito antigo ou ter sido alterado no caminho.',
      next: 'Abra de novo o link do e-mail mais recente de {brand}. Se ainda não funcionar, peça um novo e-mail onde você pediu este.',
    },
  },
  resend: {
    button: 'Enviar um novo e-mail',
    next: 'Toque no botão e um novo e-mail será enviado para o mesmo endereço. Você não precisa digitá-lo de novo.',
  },
  resent: {
    heading: 'Um novo e-mail está a caminho',
    body: 'Se ainda houver algo a confirmar, o e-mail chegará em alguns minutos.',
    next: 'Use o e-mail mais recente de {brand}. Se ele não chegar, veja na pasta de spam.',
  },
  confirmed: {
    heading: 'Seu endereço está confirmado',
    body: 'Obrigado. Agora {brand} sabe que este endereço é seu.',
    next: 'Você pode fechar esta página e voltar à primeira janela, neste aparelho ou em outro.',
  },
  firstWindow: {
    heading: 'Volte à primeira janela',
    body: 'Recebemos a sua confirmação. Continue na janela em que você começou, neste aparelho ou em outro.',
    next: 'Você pode fechar esta página. Nada mais acontece aqui.',
  },
  problems: {
    malformed: {
      heading: 'Este link não está completo',
      body: 'Uma parte do link está faltando ou foi alterada. Alguns programas de e-mail cortam links longos.',
      next: 'Abra de novo o e-mail de {brand} e copie o link inteiro na barra de endereços do navegador.',
    },
    unavailable: {
      heading: 'Tente de novo daqui a pouco',
      body: 'Não conseguimos verificar este link agora. O link continua valendo.',
      next: 'Espere um minuto e abra de novo o link do seu e-mail.',
    },
  },
  code: {
    heading: 'Digite seu código',
    body: 'Ele está na mensagem mais recente de {brand}.',
    label: 'Código',
    button: 'Confirmar',
    next: 'A mensagem ainda não chegou? Pode levar alguns minutos. Veja também na pasta de spam.',
    nextSms: 'A mensagem ainda não chegou? Pode levar alguns minutos.',
    resend: 'Enviar um novo código',
    wrong: 'Este código não está certo.',
    malformed: 'Um código tem apenas números. Digite todos.',
    triesLeft:
      '{count, plural, one {Resta # tentativa.} many {Restam # tentativas.} other {Restam # tentativas.}}',
  },
  notMe: {
    heading: 'Não foi você?',
    body: 'Toque no botão para avisar {brand} de que você não pediu o e-mail. O link e o código dele deixam de valer.',
    button: 'Não fui eu',
    next: 'Se foi você, feche esta página. Nesse caso, nada muda.',
  },
  disowned: {
    heading: 'Obrigado por avisar',
    body: 'O link e o código daquele e-mail não valem mais, e {brand} sabe que não foi você.',
    next: 'Não é preciso fazer mais nada. Você pode fechar esta página.',
  },
  password: {
    invitation: {
      heading: 'Aceite o convite',
      body: 'Escolha uma senha para a sua conta em {brand}.',
      button: 'Aceitar o convite',
    },
    recovery: {
      heading: 'Escolha uma nova senha',
      body: 'Ela substitui a sua senha anterior em {brand}.',
      button: 'Salvar a nova senha',
    },
    label: 'Nova senha',
    hint: '{min, plural, one {Pelo menos # caractere.} many {Pelo menos # caracteres.} other {Pelo menos # caracteres.}}',
    tooShort: 'Esta senha é curta demais.',
    tooCommon: 'Esta senha é fácil demais de adivinhar. Escolha outra.',
    next: 'Várias palavras seguidas formam uma boa senha. Não a use em nenhum outro lugar.',
  },
  passwordSet: {
    heading: 'Sua senha está salva',
    body: 'A partir de agora, você pode usá-la para entrar em {brand}.',
    next: 'Você pode fechar esta página e voltar à janela em que começou.',
  },
};
