//! [`AddressList`]: from where a token may be used.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use engine::{Error, ErrorKind, text};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Internet addresses, in the notation of Moodle's address restrictions. An empty list is everywhere.
///
/// Items are separated by commas:
///
/// | form | examples |
/// |---|---|
/// | one address | `192.168.1.10`, `2001:db8::1` |
/// | network with its length | `10.0.0.0/8`, `2001:db8::/32` |
/// | range in the last group, both ends included | `192.168.1.10-40`, `2001:db8::10-1f` |
/// | first groups | `10.1.` (or `10.1`), `2001:db8:` |
///
/// An IPv4 address that travels in IPv6 (`::ffff:10.0.0.1`) counts as the IPv4 address, in lists as in connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressList {
    text: String,
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Net(IpNet),
    /// Both ends included, of one family.
    Range(IpAddr, IpAddr),
}

impl AddressList {
    /// Whether there is no restriction.
    pub fn is_everywhere(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether the list allows this address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.items.is_empty() || self.items.iter().any(|item| item.contains(address))
    }
}

impl Item {
    fn contains(&self, address: IpAddr) -> bool {
        match self {
            Self::Net(net) => net.contains(&address),
            // Addresses of different families are ordered too, so the family is compared first.
            Self::Range(first, last) => first.is_ipv4() == address.is_ipv4() && *first <= address && address <= *last,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text.contains('/') {
            return Some(Self::Net(canonical(text.parse().ok()?)));
        }
        if let Some((first, last)) = text.split_once('-') {
            return range(first.parse().ok()?, first, last);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Net(address.to_canonical().into()));
        }
        if text.contains(':') { prefix_v6(text) } else { prefix_v4(text) }.map(Self::Net)
    }
}

/// A network of IPv4 addresses in IPv6 as the network of IPv4 that it is.
fn canonical(net: IpNet) -> IpNet {
    const MAPPED: u8 = 96;
    let (IpAddr::V4(address), true) = (net.addr().to_canonical(), net.prefix_len() >= MAPPED) else { return net };
    match (net, Ipv4Net::new(address, net.prefix_len() - MAPPED)) {
        (IpNet::V6(_), Ok(mapped)) => mapped.into(),
        _ => net,
    }
}

/// `192.168.1.10-40` and `2001:db8::10-1f`: the end replaces the last group.
fn range(first: IpAddr, written: &str, last: &str) -> Option<Item> {
    let first = first.to_canonical();
    let last: IpAddr = match first {
        IpAddr::V4(first) if written.contains('.') => {
            let [a, b, c, _] = first.octets();
            Ipv4Addr::new(a, b, c, decimal(last)?).into()
        }
        // A last group of 16 bits would be two of the four numbers.
        IpAddr::V4(_) => return None,
        // Such as 64:ff9b::192.0.2.1, whose last group is no number of IPv6.
        IpAddr::V6(_) if written.contains('.') => return None,
        IpAddr::V6(first) => {
            let mut groups = first.segments();
            groups[7] = hexadecimal(last)?;
            Ipv6Addr::from(groups).into()
        }
    };
    (first <= last).then_some(Item::Range(first, last))
}

/// `10.1.` and `10.1`: one to three numbers and at least one dot.
fn prefix_v4(text: &str) -> Option<IpNet> {
    let groups: Vec<&str> = text.strip_suffix('.').unwrap_or(text).split('.').collect();
    if !text.contains('.') || groups.len() > 3 {
        return None;
    }
    let mut octets = [0; 4];
    for (octet, group) in octets.iter_mut().zip(&groups) {
        *octet = decimal(group)?;
    }
    let bits = u8::try_from(groups.len() * 8).ok()?;
    Ipv4Net::new(octets.into(), bits).ok().map(IpNet::from)
}

/// `2001:db8:` and `2001:db8`: one to seven groups and at least one colon.
fn prefix_v6(text: &str) -> Option<IpNet> {
    let groups: Vec<&str> = text.strip_suffix(':').unwrap_or(text).split(':').collect();
    if groups.len() > 7 {
        return None;
    }
    let mut segments = [0; 8];
    for (segment, group) in segments.iter_mut().zip(&groups) {
        *segment = hexadecimal(group)?;
    }
    let bits = u8::try_from(groups.len() * 16).ok()?;
    Ipv6Net::new(segments.into(), bits).ok().map(IpNet::from)
}

/// A group of IPv4. A leading zero would be octal to some programs, so it is refused.
fn decimal(text: &str) -> Option<u8> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// A group of IPv6: one to four hexadecimal characters.
fn hexadecimal(text: &str) -> Option<u16> {
    let plain = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if plain { u16::from_str_radix(text, 16).ok() } else { None }
}

impl FromStr for AddressList {
    type Err = Error;

    /// # Errors
    ///
    /// `Invalid`, with the first item that is none.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut items = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            items.push(Item::parse(item).ok_or_else(|| {
                let item = engine::fault::quoted(item);
                Error::new(
                    ErrorKind::Invalid,
                    text!(
                        "\"{item}\" is no address; write one such as 192.168.1.10, 10.0.0.0/8, 192.168.1.10-40, 10.1. or 2001:db8:",
                        "\"{item}\" n'est pas une adresse ; écrivez par exemple 192.168.1.10, 10.0.0.0/8, 192.168.1.10-40, 10.1. ou 2001:db8:"
                    ),
                )
            })?);
        }
        // A list of commas only must not look like a restriction.
        let text = if items.is_empty() { String::new() } else { text.trim().to_owned() };
        Ok(Self { text, items })
    }
}

impl fmt::Display for AddressList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for AddressList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for AddressList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use engine::Lang;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn list(text: &str) -> AddressList {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("", "192.0.2.1", true)]
    #[case(" , ", "2001:db8::1", true)]
    #[case("192.168.1.10", "192.168.1.10", true)]
    #[case("192.168.1.10", "192.168.1.11", false)]
    #[case("192.168.1.10", "::ffff:192.168.1.10", true)]
    #[case("::ffff:192.168.1.10", "192.168.1.10", true)]
    #[case("10.0.0.0/8", "10.255.255.255", true)]
    #[case("10.0.0.0/8", "11.0.0.0", false)]
    #[case("10.1.2.3/8", "10.9.9.9", true)]
    #[case("::ffff:10.0.0.0/104", "10.9.9.9", true)]
    #[case("::ffff:10.0.0.0/104", "11.9.9.9", false)]
    #[case("0.0.0.0/0", "2001:db8::1", false)]
    #[case("::/0", "192.0.2.1", false)]
    #[case("::/0", "2001:db8::1", true)]
    #[case("2001:db8::/32", "2001:db8:ffff::", true)]
    #[case("2001:db8::/32", "2001:db9::", false)]
    #[case("192.168.1.10-40", "192.168.1.10", true)]
    #[case("192.168.1.10-40", "192.168.1.40", true)]
    #[case("192.168.1.10-40", "192.168.1.41", false)]
    #[case("192.168.1.10-40", "192.168.1.9", false)]
    #[case("192.168.1.10-40", "2001:db8::1", false)]
    #[case("::ffff:192.168.1.10-40", "192.168.1.39", true)]
    #[case("2001:db8::10-1f", "2001:db8::1a", true)]
    #[case("2001:db8::10-1f", "2001:db8::20", false)]
    #[case("2001:db8::10-1f", "192.168.1.10", false)]
    #[case("10.1.", "10.1.0.0", true)]
    #[case("10.1.", "10.10.0.0", false)]
    #[case("10.1", "10.1.255.3", true)]
    #[case("10.", "10.2.3.4", true)]
    #[case("2001:db8:", "2001:db8:1::", true)]
    #[case("2001:db8:", "2001:db80::", false)]
    #[case("2001:db8", "2001:db8::5", true)]
    #[case("192.0.2.1, 10.1.,2001:db8::/32", "10.1.9.9", true)]
    #[case("192.0.2.1, 10.1.,2001:db8::/32", "192.0.2.2", false)]
    fn lists_contain(#[case] text: &str, #[case] from: &str, #[case] contains: bool) {
        assert_eq!(list(text).contains(address(from)), contains);
    }

    #[rstest]
    #[case("10")]
    #[case("10.1.2.3.")]
    #[case("10..1")]
    #[case(".10")]
    #[case("010.1.")]
    #[case("300.1.")]
    #[case("10.0.0.0/33")]
    #[case("10.0.0.0/")]
    #[case("10.0.0.0/8/8")]
    #[case("192.168.1.40-10")]
    #[case("192.168.1.10-256")]
    #[case("192.168.1.10-")]
    #[case("192.168.1-192.168.2")]
    #[case("2001:db8::10-12345")]
    #[case("::ffff:a00:1-2")]
    #[case("64:ff9b::192.0.2.1-9")]
    #[case("fe80::1%eth0")]
    #[case("2001:db8::1:")]
    #[case("1:2:3:4:5:6:7:8:")]
    #[case("localhost")]
    #[case("*")]
    fn bad_items_are_named_in_both_languages(#[case] bad: &str) {
        let error = format!("10.0.0.1,{bad}").parse::<AddressList>().unwrap_err();
        assert!(error.message(Lang::En).starts_with(&format!("\"{bad}\" is no address;")), "{error}");
        assert!(error.message(Lang::Fr).starts_with(&format!("\"{bad}\" n'est pas une adresse ;")));
    }

    #[test]
    fn the_text_comes_back() {
        assert_eq!(list(" 10.1., 192.168.1.10-40 ").to_string(), "10.1., 192.168.1.10-40");
        assert!(list(",").is_everywhere() && list(",").to_string().is_empty());
        let json = serde_json::to_string(&list("10.1.")).unwrap();
        assert_eq!(json, "\"10.1.\"");
        assert_eq!(serde_json::from_str::<AddressList>(&json).unwrap(), list("10.1."));
        assert!(serde_json::from_str::<AddressList>("\"here\"").is_err());
    }

    /// Few values per group, so that addresses and items meet.
    fn group() -> impl Strategy<Value = u8> {
        prop_oneof![0..4u8, 252..=255u8]
    }

    proptest! {
        /// A network is what its first bits say.
        #[test]
        fn networks_compare_bits(net in any::<[u8; 4]>(), flip in 0..32u32, bits in 0..=32u32) {
            let [a, b, c, d] = net;
            let networks = list(&format!("{a}.{b}.{c}.{d}/{bits}"));
            // One bit differs: it counts if it lies within the first `bits`.
            let other = Ipv4Addr::from(u32::from_be_bytes(net) ^ (1 << (31 - flip)));
            prop_assert!(networks.contains(Ipv4Addr::from(net).into()));
            prop_assert_eq!(networks.contains(other.into()), flip >= bits);
            prop_assert_eq!(networks.contains(other.to_ipv6_mapped().into()), flip >= bits);
        }

        /// The same for IPv6, where no address is taken for one of IPv4.
        #[test]
        fn long_networks_compare_bits(net in any::<u128>(), flip in 0..127u32, bits in 0..=128u32) {
            let net = net | 1 << 127;
            let networks = list(&format!("{}/{bits}", Ipv6Addr::from(net)));
            let flip = flip + 1;
            prop_assert_eq!(networks.contains(Ipv6Addr::from(net ^ (1 << (127 - flip))).into()), flip >= bits);
        }

        /// A prefix of IPv4 is the beginning of the text.
        #[test]
        fn prefixes_compare_texts(item in proptest::collection::vec(group(), 1..=3), from in [group(), group(), group(), group()]) {
            let item: String = item.iter().map(|number| format!("{number}.")).collect();
            let from = Ipv4Addr::from(from);
            prop_assert_eq!(list(&item).contains(from.into()), from.to_string().starts_with(&item));
        }

        /// A prefix of IPv6 is the first groups.
        #[test]
        fn long_prefixes_compare_groups(item in proptest::collection::vec(0x2000..0x2003u16, 1..=7), from in [0x2000..0x2003u16, 0x2000..0x2003u16, 0x2000..0x2003u16]) {
            let text: String = item.iter().map(|group| format!("{group:x}:")).collect();
            let mut groups = [0x2000; 8];
            groups[..3].copy_from_slice(&from);
            prop_assert_eq!(list(&text).contains(Ipv6Addr::from(groups).into()), groups.starts_with(&item));
        }

        /// A range compares three groups and bounds the last.
        #[test]
        fn ranges_compare_the_last_group(net in [0..2u8, 0..2u8, 0..2u8], ends in (group(), group()), from in [0..2u8, 0..2u8, 0..2u8, 0..255u8]) {
            let (first, last) = (ends.0.min(ends.1), ends.0.max(ends.1));
            let ranges = list(&format!("{}.{}.{}.{first}-{last}", net[0], net[1], net[2]));
            let inside = from[..3] == net && (first..=last).contains(&from[3]);
            prop_assert_eq!(ranges.contains(Ipv4Addr::from(from).into()), inside);
        }

        #[test]
        fn no_text_is_too_strange(text in ".{0,40}", near in "[0-9a-f:./, -]{0,24}") {
            for text in [text, near] {
                if let Ok(list) = text.parse::<AddressList>() {
                    prop_assert_eq!(list.to_string().parse::<AddressList>().unwrap(), list);
                }
            }
        }
    }
}
