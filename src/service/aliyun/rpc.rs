//! The calls to Aliyun VOD: parameters and signature of its RPC style.
//!
//! <https://help.aliyun.com/zh/sdk/product-overview/rpc-mechanism>

use super::{Call, Calling};
use crate::digest::hmac_sha1;
use crate::http::{Body, Method, Request};
use crate::io::FileInfo;
use crate::json::Json;
use crate::text::{ascending, base64, concat, cut_last, decimal, percent_encode};

/// A parameter.
pub type Parameter = (&'static str, String);

/// Servers take URLs of 8 KB; what is longer is sent as a form.
const LONGEST_QUERY: usize = 4_000;

/// Titles may have this many characters.
/// <https://help.aliyun.com/zh/vod/developer-reference/api-vod-2017-03-21-createuploadvideo>
const LONGEST_TITLE: usize = 128;

/// What both kinds of media take of the application's `Vod`.
const OF_MEDIA: [&str; 7] =
    ["AppId", "CateId", "Description", "StorageLocation", "Tags", "Title", "UserData"];

const OF_VIDEOS: [&str; 9] = [
    "CoverURL",
    "EnableFirstFrameCover",
    "FileName",
    "FileSize",
    "GenerateThumbnail",
    "ReferenceId",
    "TemplateGroupId",
    "TransCodeMode",
    "WorkflowId",
];

const OF_IMAGES: [&str; 3] = ["ImageExt", "ImageType", "OriginalFileName"];

/// Phrases and signs a call. It has no `Timestamp`, as with the vendor's own
/// client SDKs: so a wrong clock does no harm.
pub(super) fn request(call: &Call, cx: &Calling<'_>) -> Request {
    let mut parameters = parameters(call, cx.info);
    parameters.extend([
        ("AccessKeyId", cx.account.id.clone()),
        ("Format", "JSON".into()),
        ("SecurityToken", cx.account.token.clone()),
        ("SignatureMethod", "HMAC-SHA1".into()),
        ("SignatureNonce", cx.nonce.into()),
        ("SignatureVersion", "1.0".into()),
        ("Version", "2017-03-21".into()),
    ]);
    let mut query = canonical_query(&parameters);
    let method = if query.len() > LONGEST_QUERY { Method::Post } else { Method::Get };
    let signature = signature(&cx.account.secret, &string_to_sign(method.as_str(), &query));
    query.push_str("&Signature=");
    query.push_str(&percent_encode(&signature, b""));
    let mut url = address(cx);
    // Neither has a header that would cost a CORS preflight.
    if method == Method::Post {
        let headers = vec![("content-type", "application/x-www-form-urlencoded".into())];
        return Request { method, url, headers, body: Body::Text(query) };
    }
    url.push('?');
    url.push_str(&query);
    Request { method, url, headers: vec![], body: Body::Empty }
}

fn address(cx: &Calling<'_>) -> String {
    if let Some(endpoint) = cx.endpoint {
        let scheme = if endpoint.starts_with("http") { "" } else { "https://" };
        return concat(&[scheme, endpoint.trim_end_matches('/'), "/"]);
    }
    // The one region without an address of its own.
    let region = if cx.region == "cn-hangzhou" { "cn-shanghai" } else { cx.region };
    concat(&["https://vod.", region, ".aliyuncs.com/"])
}

/// The action and what it is told of the media: all that the application said
/// and the service knows, and for the rest what the file tells.
fn parameters(call: &Call, info: &FileInfo) -> Vec<Parameter> {
    if let Call::RefreshUpload { session } = call {
        return vec![("Action", "RefreshUploadVideo".into()), ("VideoId", session.clone())];
    }
    let told = Json::parse(&info.metadata).and_then(|data| data.member("Vod"));
    let (action, names): (_, &[_]) = if info.is_image {
        ("CreateUploadImage", &OF_IMAGES)
    } else {
        ("CreateUploadVideo", &OF_VIDEOS)
    };
    let mut parameters = vec![("Action", action.into())];
    for name in OF_MEDIA.iter().chain(names) {
        let value = told.as_ref().and_then(|told| told.member(name)).map(|value| value.as_text());
        let value = value.filter(|value| !value.is_empty()).or_else(|| default_of(name, info));
        parameters.extend(value.map(|value| (*name, value)));
    }
    parameters
}

fn default_of(name: &str, info: &FileInfo) -> Option<String> {
    let stem_and_extension = cut_last(&info.name, b'.');
    match name {
        "FileName" => Some(info.name.clone()),
        "FileSize" => Some(decimal(info.size, 1)),
        "ImageExt" => stem_and_extension.map(|(_, extension)| extension.to_ascii_lowercase()),
        "ImageType" => Some("default".into()),
        "Title" => {
            let stem = stem_and_extension.map_or(&*info.name, |(stem, _)| stem);
            Some(stem.chars().take(LONGEST_TITLE).collect())
        }
        _ => None,
    }
}

/// The parameters in the form that is signed and sent.
pub fn canonical_query(parameters: &[Parameter]) -> String {
    let pairs = parameters
        .iter()
        .map(|(name, value)| (String::from(*name), concat(&["=", &percent_encode(value, b"")])));
    ascending(pairs.collect(), "&")
}

/// What is signed.
pub fn string_to_sign(method: &str, canonical_query: &str) -> String {
    concat(&[method, "&%2F&", &percent_encode(canonical_query, b"")])
}

/// The signature.
pub fn signature(secret: &str, string_to_sign: &str) -> String {
    base64(&hmac_sha1(concat(&[secret, "&"]).as_bytes(), string_to_sign.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Credential;

    fn info(name: &str, metadata: &str) -> FileInfo {
        FileInfo {
            name: name.into(),
            size: 5,
            metadata: metadata.into(),
            is_image: name.to_ascii_lowercase().contains(".p"),
            ..FileInfo::default()
        }
    }

    fn told(name: &str, metadata: &str) -> Vec<Parameter> {
        parameters(&Call::CreateUpload, &info(name, metadata))
    }

    fn value(parameters: &[Parameter], name: &str) -> Option<String> {
        parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn what_the_application_does_not_say_the_file_tells() {
        let parameters = told("a.b.MP4", "");
        assert_eq!(value(&parameters, "Title").as_deref(), Some("a.b"));
        assert_eq!(value(&parameters, "FileName").as_deref(), Some("a.b.MP4"));
        assert_eq!(value(&parameters, "FileSize").as_deref(), Some("5"));
        let parameters = told(&format!("{}.PNG", "测".repeat(200)), "");
        assert_eq!(value(&parameters, "Action").as_deref(), Some("CreateUploadImage"));
        assert_eq!(value(&parameters, "Title"), Some("测".repeat(128)));
        assert_eq!(value(&parameters, "ImageExt").as_deref(), Some("png"));
        assert_eq!(value(&parameters, "FileSize"), None);
    }

    #[test]
    fn all_that_the_service_knows_is_passed_on_and_nothing_else() {
        let metadata =
            r#"{"Vod":{"Title":"t","CateId":234,"UserData":{"Extend":{"a":1}},"Tags":"","Cat":1}}"#;
        let parameters = told("v.mp4", metadata);
        assert_eq!(value(&parameters, "Title").as_deref(), Some("t"));
        assert_eq!(value(&parameters, "CateId").as_deref(), Some("234"));
        assert_eq!(value(&parameters, "UserData").as_deref(), Some(r#"{"Extend":{"a":1}}"#));
        assert_eq!(value(&parameters, "Tags"), None);
        assert_eq!(parameters.len(), 6, "{parameters:?}");
        let text = r#"{"Vod":{"UserData":"{\"a\":1}"}}"#;
        assert_eq!(value(&told("p.png", text), "UserData").as_deref(), Some(r#"{"a":1}"#));
    }

    #[test]
    fn a_call_goes_to_its_region_and_a_long_one_in_a_body() {
        let account = Credential {
            id: "STS.N".into(),
            secret: "s".into(),
            token: "t".into(),
            expires: None,
            issued: None,
        };
        let info = info("v.mp4", "");
        let cx = |region, endpoint, info| Calling {
            account: &account,
            region,
            endpoint,
            #[cfg(feature = "single-keys")]
            now: crate::time::Timestamp(0),
            nonce: "n",
            info,
            #[cfg(feature = "sessions")]
            cover: None,
            #[cfg(feature = "sessions")]
            storage_region: None,
            failures: 0,
            forwards: false,
        };
        let url = |region, endpoint| request(&Call::CreateUpload, &cx(region, endpoint, &info)).url;
        assert!(url("cn-beijing", None).starts_with("https://vod.cn-beijing.aliyuncs.com/?Acc"));
        assert!(url("cn-hangzhou", None).starts_with("https://vod.cn-shanghai.aliyuncs.com/?"));
        assert!(
            url("x", Some("http://[::1]:1/")).starts_with("http://[::1]:1/?AccessKeyId=STS.N&")
        );
        assert!(url("x", Some("vod.test")).starts_with("https://vod.test/?"));
        let long = FileInfo {
            metadata: format!(r#"{{"Vod":{{"Description":"{}"}}}}"#, "x".repeat(4_000)),
            ..info.clone()
        };
        let request = request(&Call::CreateUpload, &cx("x", Some("vod.test"), &long));
        assert_eq!((request.method, &*request.url), (Method::Post, "https://vod.test/"));
        assert!(matches!(request.body, Body::Text(text) if text.contains("&Signature=")));
    }
}
