//! What a request tells about its caller: address, secret, the address of the server that it used.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use base64::Engine as _;

use crate::access::AddressList;
use crate::settings::ServerSettings;

/// Address of the caller: the peer of the connection, or what trusted proxies tell.
pub(crate) fn address(parts: &Parts, trusted: Option<&AddressList>) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip().to_canonical());
    let Some(trusted) = trusted.filter(|trusted| trusted.contains(peer)) else { return peer };
    // From the right: each proxy adds the address that it saw. The first that nobody vouches for is the caller.
    let told = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let told: Vec<&str> = told.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut caller = peer;
    for text in told.into_iter().rev() {
        let Some(address) = proxied(text) else { break };
        caller = address;
        if !trusted.contains(address) {
            break;
        }
    }
    caller
}

/// An address as proxies write it, with or without a port.
fn proxied(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

/// The secret of a native call, from the places where clients put it: `Authorization: Bearer`, the password of
/// `Authorization: Basic` (Excel, Power BI), `X-Api-Key`, and the parameter `token`.
pub(crate) fn secret(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    let of_header = match authorization {
        Some((scheme, value)) if scheme.eq_ignore_ascii_case("bearer") => Some(value.trim().to_owned()),
        Some((scheme, value)) if scheme.eq_ignore_ascii_case("basic") => basic(value.trim()),
        _ => None,
    };
    let of_key = || text(header::HeaderName::from_static("x-api-key")).map(|value| value.trim().to_owned());
    let of_query = || {
        let pairs = url::form_urlencoded::parse(uri.query()?.as_bytes());
        pairs.filter(|(name, _)| name == "token").last().map(|(_, value)| value.into_owned())
    };
    of_header.or_else(of_key).or_else(of_query).filter(|secret| !secret.is_empty())
}

/// The password, or the name when there is no password.
fn basic(value: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(value).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some(if password.is_empty() { name } else { password }.to_owned())
}

/// Address of the server as callers use it, without a slash at its end.
pub(crate) fn origin(headers: &HeaderMap, settings: &ServerSettings) -> Option<String> {
    if let Some(url) = &settings.public_url {
        return Some(url.as_str().trim_end_matches('/').to_owned());
    }
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    plain.then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, "10.0.0.5", &["1.2.3.4"], "10.0.0.5")]
    #[case(Some("10.0.0.0/8"), "10.0.0.5", &["1.2.3.4"], "1.2.3.4")]
    #[case(Some("10.0.0.0/8"), "10.0.0.5", &["6.6.6.6, 1.2.3.4, 10.0.0.9"], "1.2.3.4")]
    #[case(Some("10.0.0.0/8"), "10.0.0.5", &["6.6.6.6", "1.2.3.4:5060"], "1.2.3.4")]
    #[case(Some("10.0.0.0/8"), "10.0.0.5", &["nonsense"], "10.0.0.5")]
    #[case(Some("10.0.0.0/8"), "192.168.0.1", &["1.2.3.4"], "192.168.0.1")]
    #[case(Some("::1"), "::1", &["::ffff:1.2.3.4"], "1.2.3.4")]
    fn only_trusted_proxies_tell_the_caller(
        #[case] trusted: Option<&str>,
        #[case] peer: &str,
        #[case] told: &[&str],
        #[case] caller: &str,
    ) {
        let mut request = Request::new(());
        for value in told {
            request.headers_mut().append("x-forwarded-for", value.parse().unwrap());
        }
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 5)));
        let (parts, ()) = request.into_parts();
        let trusted = trusted.map(|list| list.parse::<AddressList>().unwrap());
        assert_eq!(address(&parts, trusted.as_ref()), caller.parse::<IpAddr>().unwrap());
    }

    #[rstest]
    #[case("authorization", "Bearer abc", "/x", Some("abc"))]
    #[case("authorization", "bearer  abc ", "/x", Some("abc"))]
    #[case("authorization", "Basic dXNlcjphYmM=", "/x", Some("abc"))]
    #[case("authorization", "Basic YWJjOg==", "/x", Some("abc"))]
    #[case("authorization", "Basic ???", "/x", None)]
    #[case("authorization", "Digest abc", "/x?token=def", Some("def"))]
    #[case("x-api-key", "abc", "/x?token=def", Some("abc"))]
    #[case("accept", "*/*", "/x?token=d%2Bf&token=", None)]
    #[case("accept", "*/*", "/x?a=1&token=d%2Bf", Some("d+f"))]
    fn secrets_are_found_where_clients_put_them(
        #[case] name: &'static str,
        #[case] value: &str,
        #[case] uri: &'static str,
        #[case] expected: Option<&str>,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        assert_eq!(secret(&headers, &Uri::from_static(uri)).as_deref(), expected);
    }
}
