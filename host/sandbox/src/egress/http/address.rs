//! Which addresses may be dialled. The address that was checked is the one that is dialled: a name can't change its mind in between.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Where an address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Anywhere on the internet.
    Public,
    /// To the host itself, its network, or to nobody; the word says which.
    Private(&'static str),
    /// To a cloud's metadata, which gives credentials to whoever asks. Never dialled.
    Metadata,
}

/// Addresses at which clouds hand out credentials: AWS (instances, containers, pods), Google, Azure, Alibaba, Oracle, Tencent, OpenStack.
const METADATA: [IpAddr; 12] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0xa9fe)),
];

/// Where an address leads. An IPv6 address that stands for an IPv4 address leads where that one does.
pub fn reach(address: IpAddr) -> Reach {
    if METADATA.contains(&address) {
        return Reach::Metadata;
    }
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => reach(IpAddr::V4(inner)),
            None => reach_v6(address),
        },
    }
}

/// By IANA's registry of special IPv4 addresses.
fn reach_v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Reach::Private("unspecified"),
        (127, ..) => Reach::Private("loopback"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Reach::Private("private"),
        (169, 254, _) => Reach::Private("link-local"),
        (100, 64..=127, _) => Reach::Private("shared"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Reach::Private("documentation"),
        (192, 0, 0) | (192, 88, 99) | (198, 18..=19, _) => Reach::Private("special"),
        (224..=239, ..) => Reach::Private("multicast"),
        (240.., ..) => Reach::Private("reserved"),
        _ => Reach::Public,
    }
}

/// By IANA's registry of special IPv6 addresses: only 2000::/3 is the internet, and not all of it.
fn reach_v6(address: Ipv6Addr) -> Reach {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Reach::Private("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private("loopback"),
        [0xfc00..=0xfdff, ..] => Reach::Private("private"),
        [0xfe80..=0xfeff, ..] => Reach::Private("link-local"),
        [0xff00..=0xffff, ..] => Reach::Private("multicast"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => Reach::Private("documentation"),
        [0x2001, 0..=0x1ff, ..] => Reach::Private("special"),
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Private("reserved"),
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, translated (NAT64), 6to4, ISATAP.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [.., 0 | 0x200, 0x5efe, high, low] => v4(high, low),
        _ => None,
    }
}

/// An address that must not be dialled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Barred {
    /// The host as the URL names it.
    pub host: String,
    /// Its address.
    pub address: IpAddr,
    /// Where it leads.
    pub reach: Reach,
}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address, reach } = self;
        match reach {
            Reach::Metadata => write!(f, "`{host}` has the address {address}, at which a cloud gives out credentials; it is never dialled"),
            Reach::Private(kind) => write!(f, "`{host}` has the {kind} address {address}"),
            Reach::Public => write!(f, "`{host}` has the address {address}"),
        }
    }
}

/// Fails where an address may not be dialled under a grant that is `private` or not.
pub fn permit(host: &str, address: IpAddr, private: bool) -> Result<(), Barred> {
    match reach(address) {
        Reach::Public => Ok(()),
        Reach::Private(_) if private => Ok(()),
        reach => Err(Barred { host: host.to_owned(), address, reach }),
    }
}

/// Fails where a URL's host is an address that may not be dialled: such a host is never resolved.
pub fn permit_literal(url: &Url, private: bool) -> Result<(), Barred> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        _ => return Ok(()),
    };
    permit(&address.to_string(), address, private)
}

/// Whether a URL leads to this very machine, whatever its names say.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // RFC 6761, 6.3: `localhost` is the loopback address, and the resolver below holds it to that.
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Resolves names to addresses that may be dialled.
#[derive(Debug, Clone)]
pub(super) struct Guarded {
    private: bool,
    names: Names,
}

/// Who knows the addresses of names.
#[derive(Debug, Clone)]
pub(super) enum Names {
    /// The system.
    System,
    /// A test.
    #[cfg(test)]
    Fixed(std::collections::HashMap<String, Vec<IpAddr>>),
}

impl Guarded {
    pub fn new(private: bool, names: Names) -> Self {
        Self { private, names }
    }
}

impl Names {
    async fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        match self {
            Self::System => Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()),
            #[cfg(test)]
            Self::Fixed(known) => known.get(host).cloned().ok_or_else(|| std::io::Error::other("no such name")),
        }
    }
}

/// The addresses that may be dialled; fails where none may.
fn permitted(host: &str, found: Vec<IpAddr>, private: bool) -> Result<Vec<SocketAddr>, Barred> {
    let mut barred = None;
    let mut open = Vec::with_capacity(found.len());
    for address in found {
        // Plain http may carry credentials to `localhost`, so that name leads nowhere else.
        let stays = host != "localhost" || address.is_loopback();
        match permit(host, address, private) {
            Ok(()) if stays => open.push(SocketAddr::new(address, 0)),
            Ok(()) => {}
            Err(error) => barred = Some(error),
        }
    }
    match barred {
        Some(barred) if open.is_empty() => Err(barred),
        _ => Ok(open),
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { private, names } = self.clone();
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await?;
            let open = permitted(name.as_str(), found, private)?;
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Reach {
        reach(text.parse().expect(text))
    }

    #[test]
    fn the_internet_is_public() {
        for address in ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "169.253.1.1", "192.1.0.1"] {
            assert_eq!(of(address), Reach::Public, "{address}");
        }
        for address in ["2606:4700::1111", "2a00:1450::1", "2001:4860::8888", "2002:0808:0808::1", "64:ff9b::8.8.8.8"] {
            assert_eq!(of(address), Reach::Public, "{address}");
        }
    }

    #[test]
    fn every_special_range_is_private() {
        let table = [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("10.1.2.3", "private"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.168.1.1", "private"),
            ("169.254.1.1", "link-local"),
            ("100.64.0.1", "shared"),
            ("100.127.255.255", "shared"),
            ("192.0.2.1", "documentation"),
            ("198.51.100.1", "documentation"),
            ("203.0.113.1", "documentation"),
            ("192.0.0.1", "special"),
            ("192.88.99.1", "special"),
            ("198.18.0.1", "special"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("fc00::1", "private"),
            ("fdff::1", "private"),
            ("fe80::1", "link-local"),
            ("fec0::1", "link-local"),
            ("ff02::1", "multicast"),
            ("2001:db8::1", "documentation"),
            ("3fff::1", "documentation"),
            ("2001::1", "special"),
            ("100::1", "reserved"),
            ("5f00::1", "reserved"),
            ("4000::1", "reserved"),
        ];
        for (address, kind) in table {
            assert_eq!(of(address), Reach::Private(kind), "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_itself() {
        for address in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::127.0.0.1",
            "2002:7f00:1::",
            "2a00::5efe:127.0.0.1",
        ] {
            assert_eq!(of(address), Reach::Private("loopback"), "{address}");
        }
        assert_eq!(of("::ffff:10.0.0.1"), Reach::Private("private"));
    }

    #[test]
    fn metadata_is_never_dialled() {
        let clothes = ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "fd00:ec2::254"];
        for address in clothes.into_iter().chain(["169.254.170.2", "168.63.129.16", "100.100.100.200", "fd20:ce::254"]) {
            assert_eq!(of(address), Reach::Metadata, "{address}");
            assert!(permit("x", address.parse().unwrap(), true).is_err(), "{address}");
        }
    }

    #[test]
    fn what_is_dialled_is_what_was_checked() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let open = permitted("a", vec![ip("10.0.0.1"), ip("1.1.1.1")], false).unwrap();
        assert_eq!(open, [SocketAddr::new(ip("1.1.1.1"), 0)]);
        let barred = permitted("a", vec![ip("10.0.0.1")], false).unwrap_err();
        assert_eq!(barred.to_string(), "`a` has the private address 10.0.0.1");
        assert_eq!(permitted("a", vec![ip("10.0.0.1")], true).unwrap().len(), 1);
        let metadata = permitted("a", vec![ip("169.254.169.254")], true).unwrap_err();
        assert!(metadata.to_string().ends_with("it is never dialled"), "{metadata}");
        assert!(permitted("localhost", vec![ip("1.1.1.1")], true).unwrap().is_empty());
    }
}
