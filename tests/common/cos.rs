//! COS's signatures, recomputed as the storage does.

use vodupload::protocol::cos::sign::sign;
use vodupload::{Request, Response, Timestamp};

use super::wire::{self, Call, Issued, Parsed, error, header};

/// The bucket of all uploads to COS: its name and the account's number.
pub(super) const BUCKET: &str = "outin-test-1300000000";

/// Seconds that a signature may begin in the future.
const TOLERANCE: u64 = 60;

/// Whether an endpoint is one of COS.
pub(super) fn is_host(host: &str) -> bool {
    host.starts_with("cos.") && host.ends_with(".myqcloud.com")
}

/// Refuses what is not signed as it must be, or not at the right time.
pub(super) fn authenticate(
    now: u64,
    request: &Request,
    parsed: &Parsed,
    issued: &Issued,
) -> Result<(), Response> {
    let (authorization, path, query) = if parsed.call == Call::Post {
        assert_eq!(parsed.field("success_action_status"), "201");
        let known = ["Content-Type", "Signature", "key", "success_action_status"];
        let mut names: Vec<_> = parsed.fields.keys().copied().collect();
        names.retain(|name| !known.contains(name));
        assert_eq!(names, ["x-cos-security-token"]);
        let signature = parsed.field("Signature");
        if parsed.via.is_some() {
            assert_eq!(header(request, "authorization"), signature);
            assert_eq!(header(request, "x-cos-security-token"), parsed.token);
        }
        (signature, "/".into(), vec![])
    } else {
        let query = parsed.query.iter();
        let query = query.map(|(name, value)| {
            (String::from(*name), value.as_ref().map_or_else(String::new, Clone::clone))
        });
        (header(request, "authorization"), format!("/{}", parsed.key), query.collect())
    };
    let window = authorization.split('&').find_map(|it| it.strip_prefix("q-sign-time="));
    let window = window.expect("a window");
    let headers = [("host".into(), format!("{BUCKET}.{}", parsed.host))];
    let method = request.method.as_str();
    let expected = sign(method, &path, &query, &headers, &issued.credential, window);
    assert_eq!(authorization, expected);
    let (begin, end) = window.split_once(';').expect("two times");
    let (begin, end): (u64, u64) = (begin.parse().expect("a time"), end.parse().expect("a time"));
    if now / 1_000 >= end {
        let time = Timestamp(now).iso();
        let body = format!(
            "<Error><Code>AccessDenied</Code><Message>Request has expired</Message>\
             <ServerTime>{time}</ServerTime></Error>"
        );
        return Err(Response { status: 403, headers: vec![], body });
    }
    if now / 1_000 + TOLERANCE < begin {
        return Err(wire::skewed(now));
    }
    if now >= issued.until {
        return Err(error(403, "ExpiredToken", ""));
    }
    Ok(())
}
