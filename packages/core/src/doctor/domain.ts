import { domainToASCII } from 'node:url';
import { getDomain } from 'tldts-icann';

/** The domain of an address as the DNS knows it; empty for what is no domain. */
export const domainOf = (address: string): string =>
  domainToASCII(address.slice(address.lastIndexOf('@') + 1)).toLowerCase();

/**
 * The organizational domain (RFC 7489, 3.2): the public suffix and one label, `example.co.uk` for
 * `mail.example.co.uk`. A public suffix itself, or a name of one label, is its own.
 */
export const organizationalDomainOf = (domain: string): string => getDomain(domain) ?? domain;

/** `strict`: the same domain; `relaxed`: of the same organization (RFC 7489, 3.1). */
export const isAligned = (domain: string, fromDomain: string, mode: 'strict' | 'relaxed'): boolean =>
  mode === 'strict'
    ? domain === fromDomain
    : organizationalDomainOf(domain) === organizationalDomainOf(fromDomain);
