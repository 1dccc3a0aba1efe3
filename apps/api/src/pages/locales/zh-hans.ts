import type { PageStrings } from '../page-strings.ts';

export const zhHans: PageStrings = {
  address: '邮箱地址',
  live: {
    signup: {
      heading: '请确认您的邮箱地址',
      body: '请点击按钮，确认该地址属于您，并且您使用它注册了 {brand}。',
      button: '确认此地址',
    },
    magiclink: {
      heading: '登录 {brand}',
      body: '点击按钮即可登录，无需密码。',
      button: '登录',
    },
    email_change: {
      heading: '请确认您的新地址',
      body: '请点击按钮，确认该地址属于您，并将成为您 {brand} 账号的地址。',
      button: '确认新地址',
    },
    email_change_current: {
      heading: '您要更改邮箱地址吗？',
      body: '如果您同意将 {brand} 账号改用新地址，请点击按钮。',
      button: '确认更改',
    },
  },
  liveNext: '如果不是您本人操作，请关闭此页面。在您点击按钮之前，不会发生任何更改。',
  states: {
    consumed: {
      heading: '已经确认',
      body: '此链接之前已经使用过，确认已完成。您无需任何操作。',
      next: '请返回您最初操作的窗口，或者直接登录。',
    },
    expired: {
      heading: '此链接已过期',
      body: '链接只在有限的时间内有效，此链接的有效期已过。',
      next: '请返回您申请邮件的页面，重新申请一封。新邮件中的链接可以使用。',
    },
    superseded: {
      heading: '已发送更新的邮件',
      body: '您在此之后又申请了一封邮件，只有最新的链接有效。',
      next: '请查找 {brand} 发来的最新邮件，并使用其中的链接。如果几分钟内仍未收到，请查看垃圾邮件文件夹。',
    },
    locked: {
      heading: '验证码错误次数过多',
      body: '错误的验证码输入次数过多。为了保护您，此邮件中的验证码和链接均已失效。',
      next: '请返回您申请邮件的页面，重新申请一封。',
    },
    suspended: {
      heading: '此账号已被停用',
      body: '账号停用期间无法进行任何确认，重新申请邮件也无济于事。',
      next: '请联系 {brand} 客服。',
    },
    unknown: {
      heading: '此链接无法使用',
      body: '我们无法识别此链接。它可能非常旧，或者在传送途中被改动。',
      next: '请再次打开 {brand} 最新邮件中的链接。如果仍然无法使用，请在您申请此邮件的地方重新申请。',
    },
  },
  resend: {
    button: '发送新邮件',
    next: '点击按钮后，新邮件将发送到同一地址，您无需再次输入。',
  },
  resent: {
    heading: '新邮件正在发送',
    body: '如果仍有内容需要确认，邮件将在几分钟内送达。',
    next: '请使用 {brand} 发来的最新邮件。如果没有收到，请查看垃圾邮件文件夹。',
  },
  confirmed: {
    heading: '您的邮箱地址已确认',
    body: '谢谢。{brand} 现在知道该地址属于您。',
    next: '您可以关闭此页面，返回此设备或其他设备上最初的窗口。',
  },
  firstWindow: {
    heading: '请返回最初的窗口',
    body: '我们已收到您的确认。请在此设备或其他设备上您最初操作的窗口中继续。',
    next: '您可以关闭此页面，这里不会再有其他操作。',
  },
  problems: {
    malformed: {
      heading: '此链接不完整',
      body: '链接的一部分缺失或被改动。有些邮件程序会截断较长的链接。',
      next: '请再次打开 {brand} 的邮件，将完整的链接复制到浏览器的地址栏中。',
    },
    unavailable: {
      heading: '请稍后再试',
      body: '我们暂时无法查验此链接。链接本身仍然有效。',
      next: '请等待一分钟，然后再次打开邮件中的链接。',
    },
  },
  code: {
    heading: '请输入验证码',
    body: '验证码在 {brand} 发来的最新消息中。',
    label: '验证码',
    button: '确认',
    next: '还没有收到消息？可能需要几分钟。也请查看垃圾邮件文件夹。',
    nextSms: '还没有收到消息？可能需要几分钟。',
    resend: '发送新验证码',
    wrong: '验证码不正确。',
    malformed: '验证码只包含数字，请完整输入。',
    triesLeft: '{count, plural, other {您还可以尝试 # 次。}}',
  },
  notMe: {
    heading: '不是您本人操作？',
    body: '请点击按钮告诉 {brand}，您没有申请该邮件。邮件中的链接和验证码将随之失效。',
    button: '不是我本人操作',
    next: '如果是您本人操作，请关闭此页面，不会发生任何更改。',
  },
  disowned: {
    heading: '感谢您告诉我们',
    body: '该邮件中的链接和验证码已失效，{brand} 已知道这不是您本人操作。',
    next: '您无需任何其他操作，现在可以关闭此页面。',
  },
  password: {
    invitation: {
      heading: '接受邀请',
      body: '请为您的 {brand} 账号设置密码。',
      button: '接受邀请',
    },
    recovery: {
      heading: '设置新密码',
      body: '新密码将取代您在 {brand} 的旧密码。',
      button: '保存新密码',
    },
    label: '新密码',
    hint: '{min, plural, other {至少 # 个字符。}}',
    tooShort: '密码太短。',
    tooCommon: '此密码太容易被猜到，请换一个。',
    next: '由几个词连在一起组成的密码更安全。请勿在其他地方使用。',
  },
  passwordSet: {
    heading: '您的密码已保存',
    body: '从现在起，您可以用它登录 {brand}。',
    next: '您可以关闭此页面，返回您最初操作的窗口。',
  },
};
