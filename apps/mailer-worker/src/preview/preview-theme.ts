/** `auto`: as it is sent, and the mail program chooses. */
export const previewThemes = ['auto', 'light', 'dark'] as const;

export type PreviewTheme = (typeof previewThemes)[number];

const darkRule = /@media \(prefers-color-scheme:\s*dark\)/g;
const offered = /((?:color-scheme|supported-color-schemes)(?:" content="|:\s*))light dark/g;

/**
 * A mail as one theme shows it, whatever the reader's program prefers. Only the rule that asks for the
 * preference is answered; everything else is what is sent. Throws when a mail has no such rule.
 */
export const inTheme = (html: string, theme: PreviewTheme): string => {
  if (theme === 'auto') return html;
  if (html.search(darkRule) === -1) throw new Error('the mail has no rules for the dark');
  return html
    .replaceAll(darkRule, theme === 'dark' ? '@media all' : '@media not all')
    .replaceAll(offered, `$1${theme}`);
};
