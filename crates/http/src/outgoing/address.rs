//! Which addresses a request that somebody else caused may be sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On the internet.
    Public,
    /// This machine, or a network that is not routed: open to those who allow it.
    Private,
    /// Nothing that a web server listens on, or the machine's own keeper (cloud metadata), which
    /// hands out credentials to whoever asks from inside: never.
    Never,
}

/// What an address is, by the special-purpose registries of IANA (RFC 6890 and its updates).
#[must_use]
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        // "This network": Linux connects to itself. Link-local, multicast, reserved, broadcast.
        [0, ..] | [169, 254, ..] | [224..=255, ..] => Reach::Never,
        // Azure's WireServer answers like a metadata service on an address of the public range.
        [168, 63, 129, 16] | [100, 100, 100, 200] => Reach::Never,
        [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reach::Private,
        // Shared address space of carriers (RFC 6598), and of many overlay networks.
        [100, 64..=127, ..] => Reach::Private,
        // IETF assignments, documentation, 6to4 relays, benchmarking.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18..=19, ..] => Reach::Never,
        [198, 51, 100, _] | [203, 0, 113, _] => Reach::Never,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if let Some(inner) = embedded_v4(address) {
        return reach_v4(inner);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // Metadata of EC2 over IPv6.
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => Reach::Never,
        // Unique local (RFC 4193).
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // Protocol assignments with Teredo, and the two documentation prefixes.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Reach::Never,
        // Global unicast is this eighth of the space so far (RFC 4291, 2.4).
        [0x2000..=0x3fff, ..] => Reach::Public,
        // Unspecified, link-local, site-local, multicast, discard, everything not yet given out.
        _ => Reach::Never,
    }
}

/// Ways to write an IPv4 address as an IPv6 one that some host or gateway turns back.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // Mapped (::ffff:a.b.c.d) and translated (::ffff:0:a.b.c.d).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => Some(from(high, low)),
        // Compatible (deprecated), which leaves out :: and ::1.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(from(high, low)),
        // NAT64: the well-known prefix and the one for local use (RFC 6052, RFC 8215).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => {
            Some(from(high, low))
        }
        // 6to4.
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Reach) {
        assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
    }

    #[test]
    fn b8_the_internet_is_told_from_this_machine_and_its_neighbours() {
        for address in ["1.1.1.1", "93.184.216.34", "100.63.255.255", "172.32.0.1", "2606:4700::1111"] {
            check(address, Reach::Public);
        }
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd12:3456::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "64:ff9b::c0a8:101",
            "2002:7f00:1::1",
            "::7f00:1",
        ] {
            check(address, Reach::Private);
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "168.63.129.16",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
        ] {
            check(address, Reach::Never);
        }
    }

    proptest! {
        #[test]
        fn an_address_is_the_same_in_every_way_of_writing_it(bits: u32) {
            let plain = Ipv4Addr::from(bits);
            let [a, b, c, d] = plain.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for written in [
                plain.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(reach(written.into()), reach(plain.into()));
            }
        }
    }
}
