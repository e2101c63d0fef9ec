//! The vendor's vectors, stage by stage, and where we differ on purpose.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use core::time::Duration;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use vodupload::protocol::oss::sign::{
    Query, v1_authorization, v1_policy_signature, v1_string_to_sign, v4_authorization,
    v4_canonical_request, v4_policy_signature, v4_string_to_sign,
};
use vodupload::protocol::oss::{object_url, region};
use vodupload::service::aliyun::{self, rpc};
use vodupload::{
    Algorithm, Body, Checkpoint, Config, Credential, Digest, Error, FileId, FileInfo, Grant,
    Hasher, Input, Media, Oss, Output, Overrides, PartNumber, PartPlan, Permit, Request, Target,
    Timestamp, Uploader, Vod, combine, protocol::Protocol as _,
};

/// The instant that all vectors were recorded at.
const FROZEN: Timestamp = Timestamp(1_795_238_400_000);

fn vectors(group: &str) -> Vec<Value> {
    let mut all: Value = serde_json::from_str(include_str!("vectors/aliyun.json")).expect("JSON");
    match all[group].take() {
        Value::Array(vectors) => vectors,
        one => vec![one],
    }
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_else(|| panic!("no {name} in {vector}"))
}

fn number(vector: &Value, name: &str) -> u64 {
    vector[name].as_u64().unwrap_or_else(|| panic!("no {name} in {vector}"))
}

fn credential(vector: &Value) -> Credential {
    Credential {
        id: text(vector, "accessKeyId").into(),
        secret: text(vector, "accessKeySecret").into(),
        token: text(vector, "securityToken").into(),
        expires: None,
        issued: None,
    }
}

/// A parameter or header value, which may be written as a number.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn name(name: &str) -> &'static str {
    ["max-parts", "part-number-marker", "partNumber", "uploadId", "uploads"]
        .into_iter()
        .find(|known| *known == name)
        .expect("a known parameter")
}

/// The parameters of a group; one with an empty value has none.
fn query(parameters: &Value) -> Vec<Query> {
    let Some(parameters) = parameters.as_object() else { return vec![] };
    let pair = |(key, value): (&String, &Value)| {
        (name(key), plain(value).filter(|value| !value.is_empty()))
    };
    parameters.iter().map(pair).collect()
}

fn headers(vector: &Value) -> Vec<(String, String)> {
    let headers = vector["headers"].as_object().expect("headers");
    headers.iter().map(|(name, value)| (name.clone(), plain(value).unwrap_or_default())).collect()
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (&**name, &**value)).collect()
}

#[test]
fn version_1_signs_as_ali_oss_does() {
    let vectors = vectors("oss_v1_header");
    assert_eq!(vectors.len(), 12);
    for vector in vectors {
        let mut query_of = query(&vector["subresources"]);
        query_of.extend(query(&vector["unsigned_query"]));
        let (bucket, key) = (text(&vector, "bucket"), text(&vector, "object"));
        let headers = headers(&vector);
        let to_sign =
            v1_string_to_sign(text(&vector, "method"), bucket, key, &query_of, &borrowed(&headers));
        assert_eq!(to_sign, text(&vector, "string_to_sign"), "{}", vector["id"]);
        let authorization = v1_authorization(&credential(&vector), &to_sign);
        assert_eq!(authorization, text(&vector, "authorization"), "{}", vector["id"]);
    }
}

#[test]
fn version_4_signs_as_ali_oss_does() {
    let vectors = vectors("oss_v4_header");
    assert_eq!(vectors.len(), 13);
    for vector in vectors {
        let additional: Vec<_> =
            vector["additional_headers"].as_array().into_iter().flatten().collect();
        let additional: Vec<_> = additional.into_iter().filter_map(Value::as_str).collect();
        let headers = headers(&vector);
        let canonical = v4_canonical_request(
            text(&vector, "method"),
            text(&vector, "bucket"),
            text(&vector, "object"),
            &query(&vector["queries"]),
            &borrowed(&headers),
            &additional,
        );
        assert_eq!(canonical, text(&vector, "canonical_request"), "{}", vector["id"]);
        let region = text(&vector, "region");
        let scope = format!("20261121/{region}/oss/aliyun_v4_request");
        let to_sign = v4_string_to_sign(FROZEN, &scope, &canonical);
        assert_eq!(to_sign, text(&vector, "string_to_sign"), "{}", vector["id"]);
        let authorization =
            v4_authorization(&credential(&vector), region, FROZEN, &canonical, &additional);
        assert_eq!(authorization, text(&vector, "authorization"), "{}", vector["id"]);
    }
}

#[test]
fn whole_requests_of_ali_oss_are_built_and_signed_alike() {
    let vectors = vectors("oss_client_requests");
    assert_eq!(vectors.len(), 12);
    for vector in vectors {
        let request = &vector["request"];
        let (url, parameters) = match text(request, "url").split_once('?') {
            Some((url, parameters)) => (url, parameters),
            None => (text(request, "url"), ""),
        };
        let key = if url.contains("%20") { "sv/5a2b/测试 a+b(1).mp4" } else { "sv/5a2b/a.mp4" };
        let query: Vec<Query> = parameters
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| {
                (name(key), Some(value.into()).filter(|value: &String| !value.is_empty()))
            })
            .collect();
        let target = Target {
            endpoint: "https://oss-cn-shanghai.aliyuncs.com".into(),
            bucket: text(&vector, "bucket").into(),
            key: key.into(),
            ..Target::default()
        };
        assert_eq!(object_url(&target, false, &query), text(request, "url"), "{}", vector["id"]);
        let (method, credential) = (text(request, "method"), credential(&vector));
        let headers = headers(request);
        let signed = borrowed(&headers);
        let bucket = &target.bucket;
        let authorization = if number(&vector, "signature_version") == 1 {
            v1_authorization(&credential, &v1_string_to_sign(method, bucket, key, &query, &signed))
        } else {
            let canonical = v4_canonical_request(method, bucket, key, &query, &signed, &[]);
            let region = region(&target).expect("the endpoint tells the region");
            v4_authorization(&credential, region, FROZEN, &canonical, &[])
        };
        assert_eq!(authorization, text(&request["headers"], "authorization"), "{}", vector["id"]);
    }
}

#[test]
fn urls_are_those_of_ali_oss() {
    let vectors = vectors("object_url");
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let target = Target {
            endpoint: text(&vector, "endpoint").into(),
            bucket: text(&vector, "bucket").into(),
            key: text(&vector, "object").into(),
            ..Target::default()
        };
        let cname = vector["cname"] == true;
        assert_eq!(object_url(&target, cname, &[]), text(&vector, "url"));
        let part = [("partNumber", Some("3".into())), ("uploadId", Some("UP".into()))];
        assert_eq!(object_url(&target, cname, &part), text(&vector, "url_upload_part"));
    }
}

#[test]
fn credentials_are_accepted_as_by_aliyuns_web_sdk() {
    let vectors = vectors("upload_auth");
    assert_eq!(vectors.len(), 14);
    for vector in vectors {
        let id = text(&vector, "id");
        let grant =
            aliyun::permit(text(&vector, "uploadAuth"), text(&vector, "uploadAddress"), FROZEN);
        // Theirs needs a life that it then never looks at; ours asks for the
        // three parts of the key alone, as the service does.
        let is_accepted = vector["accepted"] == true || id == "no-Expiration";
        let Some(Permit { credential: given, target: Some(target), .. }) =
            accepted(id, is_accepted, grant)
        else {
            continue;
        };
        if id == "no-Expiration" {
            assert_eq!(given.expires, Timestamp::parse_iso("2026-11-21T06:10:00Z"));
            continue;
        }
        let expected = &vector["oss_client_options"];
        assert_eq!(given.id, text(expected, "accessKeyId"), "{id}");
        assert_eq!(given.secret, text(expected, "accessKeySecret"), "{id}");
        assert_eq!(given.token, text(expected, "stsToken"), "{id}");
        let (target, request) = first_request(&vector["addFile_overrides"], given, target);
        let info = &vector["uploadInfo"];
        assert_eq!(target.endpoint, text(info, "endpoint"), "{id}");
        assert_eq!(target.bucket, text(info, "bucket"), "{id}");
        assert_eq!(target.key, text(info, "object"), "{id}");
        assert!(request.url.starts_with(&object_url(&target, false, &[])), "{}", request.url);
        let is_own_region = ["no-Region-keeps-option", "addFile-overrides"].contains(&id);
        // Their option `region` names VOD's, not the bucket's: it signs nothing.
        assert!(is_own_region || region(&target) == info["region"].as_str(), "{id}");
    }
}

/// The grant, if the vector's is one; both sides must say so.
fn accepted(id: &str, is_accepted: bool, grant: Result<Permit, Error>) -> Option<Permit> {
    assert_eq!(grant.is_ok(), is_accepted, "{id}");
    match grant {
        Ok(grant) => Some(grant),
        Err(error) => {
            // Theirs throws on what is no JSON; ours never throws.
            let address = id == "no-Bucket";
            let code = if address { "InvalidUploadAddress" } else { "InvalidUploadAuth" };
            assert_eq!(error.code, code, "{id}");
            None
        }
    }
}

/// Where the core sends a file whose application has `wishes`.
fn first_request(wishes: &Value, credential: Credential, target: Target) -> (Target, Request) {
    let wish = |index: usize| wishes[index].as_str().map(Into::into);
    let overrides = Overrides { endpoint: wish(0), bucket: wish(1), key: wish(2) };
    let file = FileId(1);
    let mut uploader = Uploader::new(Config::default(), &Oss, &Vod, 1);
    uploader.dispatch(FROZEN, Input::Add { file, info: info("a.mp4", 9), overrides });
    uploader.dispatch(FROZEN, Input::Start);
    uploader.dispatch(FROZEN, Input::Loaded { file, text: None });
    let permit = Permit { credential, target: Some(target), cover: None, media: Media::default() };
    let grant = Ok(Grant::Object(permit));
    let outputs = uploader.dispatch(FROZEN, Input::Authorize { file, grant });
    let request = outputs.into_iter().find_map(|output| match output {
        Output::Send(_, request) => Some(request),
        _ => None,
    });
    let target = uploader.target(file).expect("the file is there").clone();
    let request = request.expect("a credential is all that was missing");
    assert_eq!(request.body, Body::Slice { file, range: 0..9 });
    (target, request)
}

fn info(name: &str, size: u64) -> FileInfo {
    FileInfo {
        name: name.into(),
        size,
        last_modified: 1_700_000_000_000,
        content_type: "video/mp4".into(),
        fingerprint: name.into(),
        ..FileInfo::default()
    }
}

#[test]
fn a_checkpoint_of_aliyuns_web_sdk_is_read() {
    let vector = vectors("checkpoint").remove(0);
    let value = &vector["value"];
    let info = info(text(value, "fileName"), number(value, "size"));
    let found =
        Checkpoint::from_text(text(&vector, "raw"), &info, "7", FROZEN, Duration::from_hours(168))
            .expect("a record");
    assert_eq!(found.video_id.as_deref(), Some("VID"));
    assert_eq!((&*found.bucket, &*found.key), ("b", "sv/a.mp4"));
    assert_eq!(found.endpoint, text(value, "endpoint"));
    assert_eq!(found.upload_id, "UP");
    assert_eq!(found.segments, [(1, 1_048_576)]);
    let parts: Vec<_> = found.parts.iter().map(|part| (part.number, &*part.etag)).collect();
    assert_eq!(parts, [(PartNumber(1), "E1")], "without the quotes that it was kept with");
    // That SDK never resumes what is marked so, and thus leaves ours alone.
    let ours = found.to_text(&info, "7", FROZEN, 0);
    assert!(ours.contains("\"state\":\"Uploading\""), "{ours}");
}

#[test]
fn parts_are_never_too_many_and_tile_the_file() {
    let vectors = vectors("part_math");
    assert_eq!(vectors.len(), 9);
    for vector in vectors {
        let size = number(&vector, "size");
        let plan = PartPlan::new(size, Some(1_048_576), &Oss.limits());
        let last = plan.range(PartNumber(plan.count())).expect("a last part");
        let tiled: u64 = (1..=plan.count())
            .filter_map(|number| plan.range(PartNumber(number)))
            .map(|range| range.end - range.start)
            .sum();
        assert_eq!((tiled, last.end), (size, size));
        assert!(plan.count() <= 10_000);
        if number(&vector, "part_size") == 1_048_576 {
            assert_eq!(u64::from(plan.count()), number(&vector, "parts"));
            assert_eq!(last.start, number(&vector["last_part"], "start"));
        } else {
            // Theirs divides by 9,999, which is no integer; ours is aligned.
            assert_eq!(plan.part_size() % 65_536, 0);
        }
    }
}

/// All parameters of a call's URL but its signature, which is the second.
fn called(url: &str) -> (BTreeMap<String, String>, String) {
    let (_, query) = url.split_once('?').expect("parameters");
    let pairs = query.split('&').map(|pair| pair.split_once('=').expect("a value"));
    let mut all: BTreeMap<_, _> =
        pairs.map(|(name, value)| (name.to_string(), common::text::decode(value))).collect();
    let signature = all.remove("Signature").expect("a signature");
    (all, signature)
}

/// The signature of any parameters, of which the names live as long as the test.
fn rpc_signature(
    method: &str,
    parameters: impl Iterator<Item = (String, String)>,
    secret: &str,
) -> String {
    let parameters: Vec<rpc::Parameter> =
        parameters.map(|(name, value)| (&*name.leak(), value)).collect();
    let query = rpc::canonical_query(&parameters);
    rpc::signature(secret, &rpc::string_to_sign(method, &query))
}

#[test]
fn calls_are_signed_as_by_aliyuns_libraries() {
    let vectors = vectors("rpc_signature");
    assert_eq!(vectors.len(), 16);
    for vector in vectors {
        let (parameters, signature) = if let Some(all) = vector["params"].as_object() {
            let all = all.iter().map(|(name, value)| (name.clone(), plain(value)));
            let all = all.map(|(name, value)| (name, value.unwrap_or_default())).collect();
            (all, text(&vector, "signature").to_string())
        } else {
            // Two are whole requests: in the URL, or as a form.
            let request = &vector["request"];
            let body = request["body"].as_str().filter(|body| !body.is_empty());
            called(&body.map_or(text(request, "url").into(), |body| format!("?{body}")))
        };
        let (method, secret) = (text(&vector, "method"), text(&vector, "accessKeySecret"));
        let ours = rpc_signature(method, parameters.into_iter(), secret);
        assert_eq!(ours, signature, "{}", vector["id"]);
    }
}

#[test]
fn calls_say_what_aliyuns_web_sdk_says_and_what_it_drops() {
    let vectors = vectors("rpc_url_from_web_sdk");
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let id = text(&vector, "id");
        let request = &vector["request"];
        let secret = text(&vector, "accessKeySecret");
        let (theirs, signature) = called(text(request, "url"));
        let pairs = theirs.clone().into_iter();
        assert_eq!(rpc_signature(text(request, "method"), pairs, secret), signature, "{id}");
        let ours = called(&call_of(&vector).url);
        let pairs = ours.0.clone().into_iter();
        assert_eq!(rpc_signature("GET", pairs, secret), ours.1, "{id}");
        let mut expected = theirs;
        assert!(expected.remove("RequestId").is_some(), "they name the request; nobody asks");
        let nonce = ours.0["SignatureNonce"].clone();
        expected.insert("SignatureNonce".into(), nonce);
        let mut more = |name: &str, value: &str| expected.insert(name.into(), value.into());
        let before = match id {
            "sts-video" => [more("ReferenceId", "dropped"), None, None],
            // Theirs sends a title that is not there as `undefined`.
            "sts-video-no-title" => [None, more("FileSize", "204800"), {
                assert_eq!(more("Title", "v").as_deref(), Some("undefined"));
                None
            }],
            "sts-image" => [
                more("CateId", "9"),
                more("Description", "dropped"),
                more("UserData", r#"{"dropped":1}"#),
            ],
            _ => [None, None, None],
        };
        assert_eq!(before, [None, None, None], "{id}");
        let mut ours = ours.0;
        // Natively the members of an object lose their order, which says nothing.
        let data = [&mut ours, &mut expected].map(|all| all.remove("UserData"));
        let data = data.map(|text| text.map(|text| serde_json::from_str::<Value>(&text).ok()));
        assert_eq!(data[0], data[1], "{id}");
        assert_eq!(ours, expected, "{id}");
    }
}

/// The call that the core makes for the file of a vector.
fn call_of(vector: &Value) -> Request {
    let (file, of) = (FileId(1), &vector["file"]);
    let name = text(of, "name");
    let info = FileInfo {
        metadata: vector["paramData"].to_string(),
        is_image: text(vector, "id") == "sts-image",
        ..info(name, number(of, "size"))
    };
    let record = Checkpoint {
        video_id: plain(&vector["videoId"]),
        bucket: "b".into(),
        key: "k".into(),
        upload_id: "U".into(),
        segments: vec![(1, 1 << 20)],
        ..Checkpoint::default()
    };
    let text = record.video_id.is_some().then(|| record.to_text(&info, "", FROZEN, 0));
    let mut uploader = Uploader::new(Config::default(), &Oss, &Vod, 1);
    uploader.dispatch(FROZEN, Input::Add { file, info, overrides: Overrides::default() });
    uploader.dispatch(FROZEN, Input::Start);
    uploader.dispatch(FROZEN, Input::Loaded { file, text });
    let grant = Ok(Grant::Account(credential(vector)));
    let outputs = uploader.dispatch(FROZEN, Input::Authorize { file, grant });
    let request = outputs.into_iter().find_map(|output| match output {
        Output::Send(_, request) => Some(request),
        _ => None,
    });
    request.expect("an account is all that was missing")
}

#[test]
fn policies_are_signed_as_by_ali_oss() {
    let vectors = vectors("post_policy_v1");
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let result = &vector["result"];
        let policy = BASE64.encode(text(&vector, "policy_json"));
        assert_eq!(policy, text(result, "policy"), "{}", vector["id"]);
        let signature = v1_policy_signature(text(&vector, "accessKeySecret"), &policy);
        assert_eq!(signature, text(result, "Signature"), "{}", vector["id"]);
    }
    let vectors = self::vectors("post_policy_v4");
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let policy = BASE64.encode(text(&vector, "policy_json"));
        assert_eq!(policy, text(&vector, "policy_base64"), "{}", vector["id"]);
        let (secret, region) = (text(&vector, "accessKeySecret"), text(&vector, "region"));
        let signature = v4_policy_signature(secret, FROZEN, region, &policy);
        assert_eq!(signature, text(&vector, "signature"), "{}", vector["id"]);
    }
}

fn crc64(bytes: &[u8]) -> u64 {
    let mut hasher = Hasher::new(Algorithm::Crc64);
    hasher.update(bytes);
    match hasher.finish() {
        Digest::Crc64(crc) => crc,
        Digest::Md5(_) => panic!("a CRC-64 was asked for"),
    }
}

fn decimal(vector: &Value, name: &str) -> u64 {
    text(vector, name).parse().expect("a number")
}

#[test]
fn checksums_are_those_of_aliyuns_python_client() {
    let vector = vectors("crc64").remove(0);
    let singles = vector["single"].as_array().expect("single values");
    assert_eq!(singles.len(), 6);
    for single in singles {
        let length = usize::try_from(number(single, "length")).expect("small");
        let bytes: Vec<u8> = match text(single, "id") {
            "zeros-1000" => vec![0; length],
            "bytes-0-255-x41" => (0..=255).cycle().take(length).collect(),
            "A-x-1MiB" => vec![b'A'; length],
            "empty" => vec![],
            itself => itself.into(),
        };
        assert_eq!(bytes.len(), length);
        assert_eq!(crc64(&bytes), decimal(single, "crc64_decimal"), "{}", single["id"]);
    }
    let combined = vector["combine"].as_array().expect("combined values");
    assert_eq!(combined.len(), 5);
    // Each goes on from a text that the vector does not name: what is short is
    // found by its length.
    for (first, vector) in
        [0, crc64(b"12345"), crc64(b"123456789"), crc64(b"123456789")].into_iter().zip(combined)
    {
        let length = number(vector, "appended_length");
        let appended = decimal(vector, "appended_crc");
        assert_eq!(combine(first, appended, length), decimal(vector, "combined_crc"), "{vector}");
    }
}
