import { addressBucket } from './client-address.js';

describe(addressBucket.name, () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:CB00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:50123', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:50123', '203.0.113.7'],
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['fe80::2', 'fe80::/64'],
    ['[nonsense]:1', 'nonsense'],
    ['[nonsense]:2', 'nonsense'],
  ])('puts %s into %s', (address, bucket) => {
    expect(addressBucket(address)).toBe(bucket);
  });

  it.each(['', 'unknown', '_hidden', '256.0.0.1', '203.0.113.7:', ':443', '[]', '2001:db8::1::2', '::1/64'])(
    'leaves what is no address as it is: "%s"',
    (text) => {
      expect(addressBucket(text)).toBe(text);
    },
  );
});
