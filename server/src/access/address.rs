//! [`AddressList`]: from where a token may be used. The forms are those of Moodle's address restrictions.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use engine::{Error, ErrorKind, text};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// `10.0.0.0/8`, or one address.
    Net(IpNet),
    /// `192.168.1.10-40`: a range of the last group.
    V4Range(Ipv4Addr, u8),
    /// `2001:db8::10-ff`: the same, in hexadecimal.
    V6Range(Ipv6Addr, u16),
    /// `10.1.` or `10.1`: the first groups.
    V4Prefix(Vec<u8>),
    /// `2001:db8:`: the first groups.
    V6Prefix(Vec<u16>),
}

/// Addresses, separated by commas; an empty list holds every address.
///
/// An item is a network (`10.0.0.0/8`, `2001:db8::/32`), a range of the last group (`192.168.1.10-40`), a prefix of
/// groups (`10.1.`, `2001:db8:`), or one address. An IPv4 address inside IPv6 counts as the IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressList {
    items: Vec<Item>,
    text: String,
}

impl AddressList {
    /// Reads a list.
    ///
    /// # Errors
    ///
    /// `Invalid` for an item of no known form, which it names.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut items = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let parsed = net(item).or_else(|| range(item)).or_else(|| prefix(item));
            items.push(parsed.ok_or_else(|| wrong(item))?);
        }
        Ok(Self { items, text: text.trim().to_owned() })
    }

    /// Whether the list holds every address.
    pub fn is_everywhere(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether an address is on the list.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.items.is_empty() || self.items.iter().any(|item| item.contains(address))
    }
}

impl Item {
    fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Net(net), address) => net.contains(&address),
            (Self::V4Range(first, last), IpAddr::V4(address)) => {
                let ([a, b, c, low], [x, y, z, group]) = (first.octets(), address.octets());
                (a, b, c) == (x, y, z) && (low..=*last).contains(&group)
            }
            (Self::V6Range(first, last), IpAddr::V6(address)) => {
                let (first, address) = (first.segments(), address.segments());
                first[..7] == address[..7] && (first[7]..=*last).contains(&address[7])
            }
            (Self::V4Prefix(groups), IpAddr::V4(address)) => address.octets().starts_with(groups),
            (Self::V6Prefix(groups), IpAddr::V6(address)) => address.segments().starts_with(groups),
            _ => false,
        }
    }
}

fn net(item: &str) -> Option<Item> {
    if let Ok(address) = IpAddr::from_str(item) {
        return Some(Item::Net(IpNet::from(address.to_canonical())));
    }
    item.parse().ok().map(Item::Net)
}

fn range(item: &str) -> Option<Item> {
    let (first, last) = item.split_once('-')?;
    match IpAddr::from_str(first.trim()).ok()? {
        IpAddr::V4(address) => {
            let last = last.trim().parse().ok()?;
            (address.octets()[3] <= last).then_some(Item::V4Range(address, last))
        }
        IpAddr::V6(address) => {
            let last = u16::from_str_radix(last.trim(), 16).ok()?;
            (address.segments()[7] <= last).then_some(Item::V6Range(address, last))
        }
    }
}

fn prefix(item: &str) -> Option<Item> {
    if item.contains(':') {
        let groups: Option<Vec<u16>> =
            item.strip_suffix(':')?.split(':').map(|group| u16::from_str_radix(group, 16).ok()).collect();
        return groups.filter(|groups| (1..8).contains(&groups.len())).map(Item::V6Prefix);
    }
    let groups = item.strip_suffix('.').unwrap_or(item).split('.');
    let groups: Option<Vec<u8>> = groups.map(|group| group.parse().ok()).collect();
    groups.filter(|groups| (1..4).contains(&groups.len())).map(Item::V4Prefix)
}

fn wrong(item: &str) -> Error {
    let item = engine::fault::quoted(item);
    Error::new(
        ErrorKind::Invalid,
        text!(
            "\"{item}\" is no address: write an address, a network such as 10.0.0.0/8, a range such as 192.168.1.10-40, or a prefix such as 10.1.",
            "« {item} » n'est pas une adresse : écrivez une adresse, un réseau comme 10.0.0.0/8, une plage comme 192.168.1.10-40, ou un préfixe comme 10.1."
        ),
    )
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
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10.0.0.0/8", &["10.255.0.1", "::ffff:10.0.0.1"], &["11.0.0.1", "::1"])]
    #[case("192.168.1.10-40", &["192.168.1.10", "192.168.1.40"], &["192.168.1.9", "192.168.1.41", "192.168.2.20"])]
    #[case("10.1.", &["10.1.0.0", "10.1.255.255"], &["10.10.0.1", "10.2.0.1"])]
    #[case("10.1", &["10.1.2.3"], &["10.10.0.1"])]
    #[case("2001:db8:", &["2001:db8::1"], &["2001:db9::1", "1.2.3.4"])]
    #[case("2001:db8::10-ff", &["2001:db8::10", "2001:db8::ff"], &["2001:db8::100", "2001:db8:1::10"])]
    #[case("127.0.0.1, ::1", &["127.0.0.1", "::1"], &["127.0.0.2"])]
    #[case("", &["8.8.8.8", "2001:db8::1"], &[])]
    fn items_of_every_form_hold_their_addresses(#[case] list: &str, #[case] inside: &[&str], #[case] outside: &[&str]) {
        let addresses = AddressList::parse(list).unwrap();
        for address in inside {
            assert!(addresses.contains(address.parse().unwrap()), "{list} {address}");
        }
        for address in outside {
            assert!(!addresses.contains(address.parse().unwrap()), "{list} {address}");
        }
        assert_eq!(addresses.to_string(), list);
    }

    #[test]
    fn an_item_of_no_form_is_named() {
        for bad in ["10.0.0.0/33", "10.0.0.300", "10.0.0.9-3", "host.example", "10..1", "2001:zz:", "1.2.3.4.5"] {
            let error = AddressList::parse(&format!("127.0.0.1, {bad}")).unwrap_err();
            assert!(error.to_string().starts_with(&format!("\"{bad}\" is no address")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn networks_are_what_their_bits_say(net: u32, bits in 0u32..=32, address: u32) {
            let list = AddressList::parse(&format!("{}/{bits}", Ipv4Addr::from(net))).unwrap();
            let same = (0..bits).all(|bit| (net ^ address) & (1 << (31 - bit)) == 0);
            prop_assert_eq!(list.contains(Ipv4Addr::from(address).into()), same);
        }

        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = AddressList::parse(&text);
        }
    }
}
