import type { PageStrings } from '../page-strings.ts';

export const tr: PageStrings = {
  address: 'Adres',
  live: {
    signup: {
      heading: 'E-posta adresinizi onaylayın',
      body: 'Bu adresin size ait olduğunu ve {brand} hesabınızı bu adresle açtığınızı onaylamak için düğmeye basın.',
      button: 'Bu adresi onayla',
    },
    magiclink: {
      heading: '{brand} hesabınıza giriş yapın',
      body: 'Giriş yapmak için düğmeye basın. Şifre gerekmez.',
      button: 'Giriş yap',
    },
    email_change: {
      heading: 'Yeni adresinizi onaylayın',
      body: 'Bu adresin size ait olduğunu ve {brand} hesabınızın adresi olacağını onaylamak için düğmeye basın.',
      button: 'Yeni adresi onayla',
    },
    email_change_current: {
      heading: 'Adresinizi değiştirmek istiyor musunuz?',
      body: '{brand} hesabınızın yeni bir adrese geçmesini kabul etmek için düğmeye basın.',
      button: 'Değişikliği onayla',
    },
  },
  liveNext: 'Bunu siz yapmadıysanız bu sayfayı kapatın. Düğmeye basana kadar hiçbir şey olmaz.',
  states: {
    consumed: {
      heading: 'Zaten onaylandı',
      body: 'Bu bağlantı daha önce kullanıldı ve onay tamamlandı. Yapmanız gereken bir şey yok.',
      next: 'Başladığınız pencereye dönün ya da giriş yapın.',
    },
    expired: {
      heading: 'Bu bağlantının süresi doldu',
      body: 'Bağlantılar sınırlı bir süre geçerlidir ve bu bağlantının süresi bitti.',
      next: 'E-postayı istediğiniz sayfaya dönün ve oradan yenisini isteyin. Yeni bağlantı çalışacaktır.',
    },
    superseded: {
      heading: 'Daha yeni bir e-posta gönderildi',
      body: 'Bundan sonra bir e-posta daha istediniz; yalnızca en yeni bağlantı geçerlidir.',
      next: '{brand} tarafından gönderilen en yeni e-postayı bulun ve içindeki bağlantıyı kullanın. Birkaç dakika içinde gelmezse spam klasörüne bakın.',
    },
    locked: {
      heading: 'Çok fazla yanlış kod girildi',
      body: 'Çok kez yanlış kod girildi. Güvenliğiniz için bu e-postanın kodu da bağlantısı da artık geçerli değil.',
      next: 'E-postayı istediğiniz sayfaya dönün ve oradan yenisini isteyin.',
    },
    suspended: {
      heading: 'Bu hesap askıya alındı',
      body: 'Hesap askıdayken hiçbir şey onaylanamaz ve yeni bir e-posta bunu değiştirmez.',
      next: 'Lütfen {brand} desteğiyle iletişime geçin.',
    },
    unknown: {
      heading: 'Bu bağlantı çalışmıyor',
      body: 'Bu bağlantıyı tanımıyoruz. Çok eski olabilir ya da size gelirken değişmiş olabilir.',
      next: '{brand} tarafından gönderilen en yeni e-postadaki bağlantıyı bir kez daha açın. Yine çalışmazsa bu e-postayı istediğiniz yerden yenisini isteyin.',
    },
  },
  resend: {
    button: 'Yeni bir e-posta gönder',
    next: 'Düğmeye basın; aynı adrese yeni bir e-posta gönderilir. Adresi yeniden yazmanız gerekmez.',
  },
  resent: {
    heading: 'Yeni bir e-posta yolda',
    body: 'Onaylanacak bir şey kaldıysa e-posta birkaç dakika içinde gelir.',
    next: '{brand} tarafından gönderilen en yeni e-postayı kullanın. Gelmezse spam klasörüne bakın.',
  },
  confirmed: {
    heading: 'Adresiniz onaylandı',
    body: 'Teşekkürler. {brand} artık bu adresin size ait olduğunu biliyor.',
    next: 'Bu sayfayı kapatıp bu cihazdaki ya da başka bir cihazdaki ilk pencerenize dönebilirsiniz.',
  },
  firstWindow: {
    heading: 'İlk pencerenize dönün',
    body: 'Onayınız bize ulaştı. Bu cihazda ya da başka bir cihazda, başladığınız pencereden devam edin.',
    next: 'Bu sayfayı kapatabilirsiniz. Burada başka bir şey olmayacak.',
  },
  problems: {
    malformed: {
      heading: 'Bu bağlantı eksik',
      body: 'Bağlantının bir kısmı eksik ya da değişmiş. Bazı e-posta programları uzun bağlantıları böler.',
      next: '{brand} e-postasını yeniden açın ve bağlantının tamamını tarayıcınızın adres çubuğuna kopyalayın.',
    },
    unavailable: {
      heading: 'Lütfen biraz sonra yeniden deneyin',
      body: 'Bu bağlantıyı şu anda kontrol edemiyoruz. Bağlantı hâlâ kullanılabilir.',
      next: 'Bir dakika bekleyin ve e-postanızdaki bağlantıyı yeniden açın.',
    },
  },
  code: {
    heading: 'Kodunuzu girin',
    body: 'Kod, {brand} tarafından gönderilen en yeni iletide.',
    label: 'Kod',
    button: 'Onayla',
    next: 'İleti henüz gelmedi mi? Birkaç dakika sürebilir. Spam klasörüne de bakın.',
    nextSms: 'İleti henüz gelmedi mi? Birkaç dakika sürebilir.',
    resend: 'Yeni bir kod gönder',
    wrong: 'Bu kod doğru değil.',
    malformed: 'Kod yalnızca rakamlardan oluşur. Lütfen hepsini girin.',
    triesLeft: '{count, plural, one {# deneme hakkınız kaldı.} other {# deneme hakkınız kaldı.}}',
  },
  notMe: {
    heading: 'Bunu siz yapmadınız mı?',
    body: 'E-postayı sizin istemediğinizi bildirmek için düğmeye basın: {brand} bunu öğrenir, bağlantı ve kod da geçersiz olur.',
    button: 'Bunu ben yapmadım',
    next: 'Bunu siz yaptıysanız bu sayfayı kapatın. O zaman hiçbir şey değişmez.',
  },
  disowned: {
    heading: 'Bildirdiğiniz için teşekkürler',
    body: 'O e-postanın bağlantısı ve kodu artık geçerli değil; {brand} bunu sizin yapmadığınızı biliyor.',
    next: 'Yapmanız gereken başka bir şey yok. Bu sayfayı kapatabilirsiniz.',
  },
  password: {
    invitation: {
      heading: 'Daveti kabul edin',
      body: '{brand} hesabınız için bir şifre belirleyin.',
      button: 'Daveti kabul et',
    },
    recovery: {
      heading: 'Yeni bir şifre belirleyin',
      body: 'Bu şifre, {brand} için eski şifrenizin yerini alır.',
      button: 'Yeni şifreyi kaydet',
    },
    label: 'Yeni şifre',
    hint: '{min, plural, one {En az # karakter.} other {En az # karakter.}}',
    tooShort: 'Bu şifre çok kısa.',
    tooCommon: 'Bu şifreyi tahmin etmek çok kolay. Lütfen başka bir şifre belirleyin.',
    next: 'Art arda birkaç sözcük iyi bir şifre oluşturur. Onu başka hiçbir yerde kullanmayın.',
  },
  passwordSet: {
    heading: 'Şifreniz kaydedildi',
    body: 'Bundan böyle {brand} hesabınıza bu şifreyle giriş yapabilirsiniz.',
    next: 'Bu sayfayı kapatıp başladığınız pencereye dönebilirsiniz.',
  },
};
