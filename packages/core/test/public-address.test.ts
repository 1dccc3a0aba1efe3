import { describe, expect, test } from 'vitest';
import { isPublicAddress, judgeEndpointUrl, mayConnectTo, parsePorts } from '../src/public-address.ts';

describe('an address of the public internet', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '93.184.216.34',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '223.255.255.255',
    '2001:4860:4860::8888',
    '2606:4700:4700::1111',
    '2a00:1450:4001::200e',
  ])('%s is', (address) => expect(isPublicAddress(address)).toBe(true));

  test.each([
    '0.0.0.0',
    '0.255.255.255',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '169.254.170.2',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::a00:1',
    '100::1',
    '2001::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '2001:10::1',
    '2001:20::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    '2002:a00:1::1',
    '3fff::1',
    '3fff:fff::1',
    '4000::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fd12:3456:789a::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '2606:4700::1%1',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '',
  ])('%s is none', (address) => expect(isPublicAddress(address)).toBe(false));

  test('loopback may be connected to only where the setting says so, and nothing else with it', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1']) {
      expect(mayConnectTo(address, { loopback: true })).toBe(true);
      expect(mayConnectTo(address, { loopback: false })).toBe(false);
    }
    expect(mayConnectTo('10.0.0.1', { loopback: true })).toBe(false);
    expect(mayConnectTo('169.254.169.254', { loopback: true })).toBe(false);
  });
});

describe('the URL of an endpoint', () => {
  const production = { ports: [443], loopback: false };
  const local = { ports: [443], loopback: true };
  const reasonOf = (url: string, rules = production): string => {
    const decision = judgeEndpointUrl(url, rules);
    return decision.allowed ? 'allowed' : decision.reason;
  };

  test.each([
    ['https://app.example.com/hooks', 'allowed'],
    ['https://app.example.com:443/hooks?key=1', 'allowed'],
    ['https://8.8.8.8/', 'allowed'],
    ['https://[2606:4700:4700::1111]/', 'allowed'],
    ['http://app.example.com/', 'scheme'],
    ['ftp://app.example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['gopher://app.example.com/', 'scheme'],
    ['https://app.example.com:22/', 'port'],
    ['https://app.example.com:8443/', 'port'],
    ['https://user@app.example.com/', 'credentials'],
    ['https://user:pass@app.example.com/', 'credentials'],
    ['https://app.example.com/#here', 'fragment'],
    ['not a url', 'not_a_url'],
    ['//app.example.com', 'not_a_url'],
    ['https:\\\\app.example.com', 'not_a_url'],
    [`https://app.example.com/${'x'.repeat(3000)}`, 'not_a_url'],
    ['https://127.0.0.1/', 'address'],
    ['https://127.1/', 'address'],
    ['https://2130706433/', 'address'],
    ['https://0x7f000001/', 'address'],
    ['https://0177.0.0.1/', 'address'],
    ['https://0/', 'address'],
    ['https://[::1]/', 'address'],
    ['https://[::ffff:127.0.0.1]/', 'address'],
    ['https://[::ffff:7f00:1]/', 'address'],
    ['https://[64:ff9b::7f00:1]/', 'address'],
    ['https://169.254.169.254/latest/meta-data', 'address'],
    ['https://①②⑦.0.0.1/', 'address'],
    ['https://localhost/', 'address'],
    ['https://LOCALHOST/', 'address'],
    ['https://app.localhost/', 'address'],
  ])('%s: %s', (url, reason) => expect(reasonOf(url)).toBe(reason));

  test.each([
    ['http://127.0.0.1:4000/', 'allowed'],
    ['http://localhost:4000/', 'allowed'],
    ['http://[::1]:4000/', 'allowed'],
    ['http://app.example.com/', 'scheme'],
    ['http://127.0.0.1.example.com:4000/', 'scheme'],
    ['https://10.0.0.1/', 'address'],
    ['https://app.example.com:4000/', 'port'],
  ])('with loopback allowed, %s: %s', (url, reason) => expect(reasonOf(url, local)).toBe(reason));

  test('may have the ports that the setting lists', () => {
    expect(parsePorts('443, 8443')).toEqual([443, 8443]);
    expect(reasonOf('https://app.example.com:8443/', { ports: [443, 8443], loopback: false })).toBe(
      'allowed',
    );
    for (const text of ['', '0', '65536', '443;8443', 'https', '-1'])
      expect(parsePorts(text)).toHaveProperty('problem');
  });
});
