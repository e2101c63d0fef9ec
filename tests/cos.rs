//! COS requests against those of Tencent's own SDKs.

#![cfg(not(target_arch = "wasm32"))]

use serde_json::Value;
use vodupload::protocol::cos::sign::sign;
use vodupload::protocol::{Operation, Part, Protocol, Reply, Signing};
use vodupload::{
    Body, Cos, Credential, ErrorKind, FileId, FileInfo, Method, PartNumber, Request, Response,
    Signature, Target, Timestamp,
};

fn vectors(group: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("vectors/tencent.json")).expect("JSON");
    all[group].as_array().expect("a group").clone()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn credential(expires: Option<Timestamp>) -> Credential {
    Credential {
        id: "AKIDtmpEXAMPLE".into(),
        secret: "tmpSecretKeyEXAMPLE".into(),
        token: "tmpTokenEXAMPLE".into(),
        expires,
        issued: None,
    }
}

fn pairs(object: &Value) -> Vec<(String, String)> {
    let members = object.as_object().into_iter().flatten();
    members
        .map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), Into::into))
        })
        .collect()
}

#[test]
fn requests_are_signed_as_by_tencents_sdks() {
    let vectors = vectors("cos_signature");
    assert_eq!(vectors.len(), 22);
    for vector in vectors {
        let (input, expected) = (&vector["input"], text(&vector, "authorization"));
        let field = |name: &str| expected.split('&').find_map(|it| it.strip_prefix(name)).unwrap();
        // Which headers are signed is up to the client, and told by what it signs.
        let names: Vec<_> = field("q-header-list=").split(';').collect();
        let given = pairs(&input["Headers"]).into_iter();
        let mut headers: Vec<_> =
            given.filter(|(name, _)| names.contains(&&*name.to_ascii_lowercase())).collect();
        if names.contains(&"host") && !headers.iter().any(|(name, _)| name == "Host") {
            let (_, rest) = text(&vector["steps"], "httpString").split_once("host=").unwrap();
            headers.push(("host".into(), rest.split(['&', '\n']).next().unwrap().into()));
        }
        let path = match (input["Pathname"].as_str(), input["Key"].as_str()) {
            (Some(path), _) => path.to_string(),
            (None, key) => format!("/{}", key.unwrap_or_default().trim_start_matches('/')),
        };
        let authorization = sign(
            text(input, "Method"),
            &path,
            &pairs(&input["Query"]),
            &headers,
            &credential(None),
            text(input, "KeyTime"),
        );
        assert_eq!(authorization, expected, "{}", vector["name"]);
    }
}

const NOW: Timestamp = Timestamp(1_700_000_060_000);

fn request(operation: &Operation, via: Option<&str>, expires: Option<Timestamp>) -> Request {
    let target = Target {
        endpoint: "cos.ap-chongqing.myqcloud.com".into(),
        bucket: "b-10022853".into(),
        key: "aa 11/目录+(b).mp4".into(),
        region: None,
        via: via.map(Into::into),
    };
    let credential = credential(expires);
    Cos.request(
        operation,
        &Signing {
            credential: &credential,
            target: &target,
            cname: false,
            signature: Signature::Auto,
            region: "",
            now: NOW,
            expires,
            file: FileId(3),
            info: &FileInfo { size: 9, content_type: "video/mp4".into(), ..FileInfo::default() },
        },
    )
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let found = request.headers.iter().find(|(key, _)| *key == name);
    found.map(|(_, value)| &**value)
}

#[test]
fn a_part_goes_to_the_buckets_own_host_or_names_it_to_another() {
    let part =
        Operation::UploadPart { upload_id: "U+1".into(), number: PartNumber(2), range: 4..9 };
    let path = "/aa%2011/%E7%9B%AE%E5%BD%95%2B%28b%29.mp4?partNumber=2&uploadId=U%2B1";
    let direct = request(&part, None, None);
    assert_eq!(direct.url, format!("https://b-10022853.cos.ap-chongqing.myqcloud.com{path}"));
    assert_eq!(header(&direct, "x-cos-security-token"), Some("tmpTokenEXAMPLE"));
    assert_eq!(header(&direct, "vod-forward-cos"), None);
    assert_eq!(direct.body, Body::Slice { file: FileId(3), range: 4..9 });
    let forwarded = request(&part, Some("https://vod2.qcloud.com"), None);
    assert_eq!(forwarded.url, format!("https://vod2.qcloud.com{path}"));
    assert_eq!(header(&forwarded, "authorization"), header(&direct, "authorization"));
    let own = "b-10022853.cos.ap-chongqing.myqcloud.com";
    assert_eq!(header(&forwarded, "vod-forward-cos"), Some(own));
}

#[test]
fn a_signature_lasts_an_hour_but_no_longer_than_its_credential() {
    let window = |expires: Option<u64>| {
        let request = request(&Operation::PutObject, None, expires.map(Timestamp));
        let authorization = header(&request, "authorization").expect("signed");
        let (_, rest) = authorization.split_once("q-key-time=").expect("a window");
        rest.split('&').next().expect("a window").to_string()
    };
    assert_eq!(window(None), "1700000000;1700003660");
    assert_eq!(window(Some(NOW.0 + 7_200_000)), "1700000000;1700003660");
    assert_eq!(window(Some(NOW.0 + 60_000)), "1700000000;1700000120");
}

#[test]
fn a_form_is_signed_over_the_root_and_names_its_key() {
    for via in [None, Some("https://vod2.qcloud.com")] {
        let form = request(&Operation::PostObject, via, None);
        let Body::Form { fields, file, size } = &form.body else { panic!("{:?}", form.body) };
        assert_eq!((form.method, *file, *size), (Method::Post, FileId(3), 9));
        let field = |name| &*fields.iter().find(|(key, _)| *key == name).expect("a field").1;
        assert_eq!(field("key"), "aa 11/目录+(b).mp4");
        assert_eq!(field("Content-Type"), "video/mp4");
        let host = ("host".into(), "b-10022853.cos.ap-chongqing.myqcloud.com".into());
        let window = "1700000000;1700003660";
        let signature = sign("post", "/", &[], &[host], &credential(None), window);
        assert_eq!(field("Signature"), signature);
        assert_eq!(form.headers.is_empty(), via.is_none(), "headers cost a preflight");
        assert!(form.url.ends_with(".com/"));
    }
}

#[test]
fn codes_and_messages_decide() {
    let kind = |status, code: &str, message: &str| {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        let headers = vec![("x-cos-request-id".into(), "R".into())];
        let response = Response { status, headers, body };
        let error = Cos.reply(&Operation::PutObject, &response).expect_err("a refusal");
        assert_eq!(error.request_id.as_deref(), Some("R"));
        error.kind
    };
    assert_eq!(kind(403, "AccessDenied", "Access Denied."), ErrorKind::Forbidden);
    let expired = ErrorKind::CredentialExpired;
    assert_eq!(kind(403, "AccessDenied", "Request has expired"), expired);
    assert_eq!(kind(403, "ExpiredToken", ""), expired);
    assert_eq!(kind(403, "InvalidAccessKeyId", ""), expired);
    assert_eq!(kind(403, "SignatureDoesNotMatch", ""), ErrorKind::Rejected);
    assert_eq!(kind(404, "NoSuchUpload", ""), ErrorKind::NoSuchUpload);
    assert_eq!(kind(400, "InvalidPart", ""), ErrorKind::PartMismatch);
    assert_eq!(kind(400, "BadDigest", ""), ErrorKind::Network);
    assert_eq!(kind(503, "SlowDown", ""), ErrorKind::RateLimited);
    assert_eq!(kind(500, "InternalError", ""), ErrorKind::ServerBusy);
}

#[test]
fn a_complete_that_fails_after_200_has_failed() {
    let complete = Operation::CompleteMultipartUpload {
        upload_id: "U".into(),
        parts: vec![Part { number: PartNumber(1), etag: "e".into() }],
    };
    let reply = |body: &str| {
        Cos.reply(&complete, &Response { status: 200, headers: vec![], body: body.into() })
    };
    let spaces = "  \n   ";
    let done = format!(
        "{spaces}<?xml version='1.0'?><CompleteMultipartUploadResult><ETag>&quot;e-1&quot;</ETag>\
         </CompleteMultipartUploadResult>"
    );
    assert!(matches!(reply(&done), Ok(Reply::Completed(_))));
    let late = format!("{spaces}<Error><Code>InternalError</Code><Message>m</Message></Error>");
    assert_eq!(reply(&late).expect_err("late").kind, ErrorKind::ServerBusy);
    assert_eq!(reply("").expect_err("nothing").kind, ErrorKind::Unparsable);
    assert_eq!(reply("<html></html>").expect_err("a page").kind, ErrorKind::Unparsable);
}
