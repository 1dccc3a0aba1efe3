import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSpfText, readSpfRecord } from '../../src/doctor/spf-record.ts';

const read = (text: string) => readSpfRecord(`v=spf1 ${text}`);

describe('a record of SPF', () => {
  test.each([
    ['v=spf1', true],
    ['v=spf1 -all', true],
    ['V=SPF1 mx', true],
    ['v=spf10 -all', false],
    ['v=spf1-all', false],
    [' v=spf1', false],
    ['spf2.0/pra -all', false],
  ])('%j is one: %s', (text, is) => expect(isSpfText(text)).toBe(is));

  // The terms of RFC 7208, 5 and 6, and of its appendix A.
  test.each([
    'all',
    '+all',
    '-all',
    '~ALL',
    '?all',
    'a',
    'a:example.com',
    'a/24',
    'a//64',
    'a:example.com/24//64',
    'mx',
    'mx/28',
    'mx:example.org/30',
    'ptr',
    'ptr:example.org',
    'ip4:192.0.2.1',
    'ip4:192.0.2.128/28',
    '-ip4:0.0.0.0/0',
    'ip6:2001:db8::/32',
    'ip6:::1',
    'include:_spf.example.com',
    'exists:%{ir}.%{v}._spf.%{d2}',
    'exists:%{l1r-}.lp._spf.%{d}',
    'redirect=_spf.example.com',
    'exp=explain._spf.%{d}',
    'unknown-modifier=anything',
    'x.y_z=',
    'a:%%25%_x%-y.example.com',
  ])('may hold %s', (term) => expect(read(term)).toMatchObject({ terms: [term] }));

  test.each([
    'ipv4:192.0.2.1',
    'ip4:192.0.2',
    'ip4:192.0.2.1/33',
    'ip4:',
    'ip6:192.0.2.1',
    'ip6:2001:db8::/129',
    'include',
    'include:',
    'exists',
    'all:example.com',
    'a:',
    'mx:/24',
    'includes:example.com',
    '--all',
    'all.',
    'redirect=',
    'exp=',
    '%{q}',
    'a:%{q}',
    'a:%x',
    '1x=y',
    '"quoted"',
    'ａ',
  ])('may not hold %s', (term) => expect(read(term)).toEqual({ badTerm: term }));

  test('names redirect and exp once at most', () => {
    expect(read('redirect=a.example redirect=b.example')).toEqual({ badTerm: 'redirect=b.example' });
    expect(read('exp=a.example exp=b.example')).toEqual({ badTerm: 'exp=b.example' });
    expect(read('x=1 x=2')).not.toHaveProperty('badTerm');
  });

  test('ends at all, beside which a redirect is void', () => {
    expect(read('a -all mx redirect=b.example')).toMatchObject({
      mechanisms: [{ name: 'a' }, { name: 'all', qualifier: '-' }],
      redirect: undefined,
    });
    expect(read('a redirect=b.example')).toMatchObject({ redirect: 'b.example' });
  });

  test('is read or refused whatever stands in it, in no time', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'a:',
        'mx',
        '/',
        '//',
        '%{',
        '}',
        '%',
        'include:',
        '=',
        '+',
        '-all',
        'redirect=',
        'ip4:',
        'ip6:',
        ' ',
      ),
      fc.string({ maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    const text = fc.array(piece, { maxLength: 200 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, (terms) => {
        const began = process.cpuUsage();
        const record = read(terms);
        const tookMs = process.cpuUsage(began).user / 1000;
        expect('badTerm' in record ? record.badTerm.length : record.terms.length).toBeGreaterThanOrEqual(0);
        expect(tookMs).toBeLessThan(100);
      }),
      { numRuns: 3000 },
    );
  });
});
