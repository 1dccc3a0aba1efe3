import { hash, parseOptions, verify } from '@node-rs/argon2';
import { describe, expect, it } from 'vitest';
import { createPasswords } from '../src/sessions/passwords.ts';
import { asSecret } from './support/access-scene.ts';

describe('passwords', () => {
  it('are stored as Argon2id with the parameters of OWASP, salted each time', async () => {
    const passwords = await createPasswords();
    const [one, other] = [
      await passwords.hash(asSecret('correct horse')),
      await passwords.hash(asSecret('correct horse')),
    ];
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(parseOptions(one)).toMatchObject({ saltLen: 16, outputLen: 32 });
    expect(one).not.toBe(other);
  });

  it('are right when they are the same text, however its accents were typed, and wrong otherwise', async () => {
    const passwords = await createPasswords();
    const stored = await passwords.hash(asSecret('p\u00e4sswort'));
    const isRight = (text: string): Promise<boolean> => passwords.verify(stored, asSecret(text));
    expect(await isRight('p\u00e4sswort')).toBe(true);
    expect(await isRight('pa\u0308sswort')).toBe(true);
    for (const wrong of ['passwort', 'P\u00e4sswort', 'p\u00e4sswort ', ''])
      expect(await isRight(wrong)).toBe(false);
  });

  it('of nobody cost the same work as of somebody, and are never right', async () => {
    const verified: string[] = [];
    const passwords = await createPasswords({
      hash: (password) => hash(password),
      verify: (stored, password) => {
        verified.push(stored);
        return verify(stored, password);
      },
    });
    const stored = await passwords.hash(asSecret('correct horse'));
    await passwords.verify(stored, asSecret('wrong'));
    expect(await passwords.verify(null, asSecret('wrong'))).toBe(false);
    expect(await passwords.verify(null, asSecret('correct horse'))).toBe(false);
    expect(verified).toHaveLength(3);
    const costs = verified.map((text) => text.split('$').slice(1, 4).join('$'));
    expect(new Set(costs).size).toBe(1);
    expect(verified[1]).not.toBe(stored);
  });

  it('of nobody are not right even for who guessed what stands in for them', async () => {
    const hashed: string[] = [];
    const passwords = await createPasswords({
      hash: (password) => {
        hashed.push(password);
        return hash(password);
      },
      verify: (stored, password) => verify(stored, password),
    });
    const [decoy = ''] = hashed;
    expect(await passwords.verify(await hash(decoy), asSecret(decoy))).toBe(true);
    expect(await passwords.verify(null, asSecret(decoy))).toBe(false);
  });

  it('of a crowd are hashed two at a time, a hundred wait, and the rest are refused at once', async () => {
    let atOnce = 0;
    let most = 0;
    const passwords = await createPasswords({
      hash: (password) => hash(password),
      verify: async (stored, password) => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        const isRight = await verify(stored, password);
        atOnce -= 1;
        return isRight;
      },
    });
    const cheap = await hash('correct horse', { memoryCost: 64, timeCost: 1 });
    const results = await Promise.allSettled(
      Array.from({ length: 300 }, () => passwords.verify(cheap, asSecret('correct horse'))),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(300 - 102);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'passwords_busy' });
    expect(most).toBe(2);
  });
});
