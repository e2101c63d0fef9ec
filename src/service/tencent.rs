//! Tencent VOD's interface for clients: an upload is applied for, and committed
//! once its objects are stored. Each call takes a signature of the application's
//! own server.
//!
//! <https://cloud.tencent.com/document/product/266/9219>

use core::time::Duration;

use super::{
    Answer, Answering, Call, Calling, Credential, Manners, Media, Permit, Region, Service, Target,
};
use crate::error::{Error, ErrorKind};
use crate::http::{Body, Method, Request, Response};
use crate::io::FileInfo;
use crate::json::{Json, Record};
use crate::text::{concat, cut_last, decimal};
use crate::time::Timestamp;

#[cfg(feature = "server")]
pub mod api;

/// Tencent VOD, as clients use it.
#[derive(Clone, Copy, Debug)]
pub struct Ugc;

const HOST: &str = "https://vod2.qcloud.com";

/// Serves when the other does not answer; mini programs cannot reach it.
const BACKUP_HOST: &str = "https://vod2.dnsv1.com";

/// The documents promise that an upload can go on for a day.
const LIFE: Duration = Duration::from_hours(24);

impl Service for Ugc {
    fn manners(&self) -> Manners {
        Manners {
            one_time: true,
            commits: true,
            races: true,
            #[cfg(feature = "server")]
            renews: true,
            life: LIFE,
        }
    }

    fn request(&self, call: &Call, cx: &Calling<'_>) -> Request {
        if let Call::ProbeRegion(region) = call {
            let url = region.url.clone();
            return Request { method: Method::Head, url, headers: vec![], body: Body::Empty };
        }
        let mut record = Record::new();
        record.set("signature", &*cx.account.token);
        let action = match call {
            Call::CommitUpload { session } => {
                record.set("vodSessionKey", &**session);
                "CommitUploadUGC"
            }
            Call::CreateUpload => {
                describe(&mut record, cx);
                "ApplyUploadUGC"
            }
            Call::RefreshUpload { session } => {
                record.set("vodSessionKey", &**session);
                "ApplyUploadUGC"
            }
            Call::ListRegions | Call::ProbeRegion(_) => "PrepareUploadUGC",
        };
        if !cx.forwards && action == "ApplyUploadUGC" {
            record.set("uploadFromWeb", &true);
        }
        let url = concat(&[&address(cx), "/v3/index.php?Action=", action]);
        let headers = vec![("content-type", "application/json".into())];
        Request { method: Method::Post, url, headers, body: Body::Text(record.text()) }
    }

    fn reply(&self, call: &Call, response: &Response, cx: &Answering<'_>) -> Result<Answer, Error> {
        let answer = Json::parse(&response.body);
        let code = answer.as_ref().and_then(|answer| answer.member("code")?.number());
        let (Some(answer), Some(code)) = (answer, code) else {
            return Err(unreadable(response));
        };
        if code != 0.0 {
            return Err(refusal(call, code, &answer, response.status));
        }
        let data = answer.member("data");
        match call {
            Call::CommitUpload { .. } => data.and_then(|data| committed(&data)),
            Call::CreateUpload | Call::RefreshUpload { .. } => {
                data.and_then(|data| permit(&data, cx)).map(Answer::Permit)
            }
            Call::ListRegions | Call::ProbeRegion(_) => data.map(|data| regions(&data, cx)),
        }
        .ok_or_else(|| unreadable(response))
    }
}

fn address(cx: &Calling<'_>) -> String {
    let is_elsewhere = cx.failures % 2 == 1 && !cx.forwards;
    let own = if is_elsewhere { BACKUP_HOST } else { HOST };
    let address = cx.endpoint.unwrap_or(own).trim_end_matches('/');
    let scheme = if address.starts_with("http") { "" } else { "https://" };
    concat(&[scheme, address])
}

/// What the media is to be: all that a client may say, for the rest is in the
/// signature. `metadata` holds what the application said.
fn describe(record: &mut Record, cx: &Calling<'_>) {
    let told = Json::parse(&cx.info.metadata);
    let told = |name: &str| told.as_ref().and_then(|told| told.member_text(name));
    let file_id = told("fileId");
    if let Some(file_id) = &file_id {
        record.set("fileId", &**file_id);
        describe_file(record, ["coverName", "coverType", "coverSize"], cx.info, None);
    } else {
        let name = told("name");
        describe_file(record, ["videoName", "videoType", "videoSize"], cx.info, name.as_deref());
        if let Some(cover) = cx.cover {
            describe_file(record, ["coverName", "coverType", "coverSize"], cover, None);
        }
    }
    if let Some(region) = cx.storage_region {
        record.set("storageRegion", region);
    }
    if let Some(time) = told("expireTime") {
        record.set("ExpireTime", &*time);
    }
}

#[allow(clippy::cast_precision_loss)] // sizes are far below 2^53
fn describe_file(record: &mut Record, names: [&str; 3], info: &FileInfo, name: Option<&str>) {
    let (stem, extension) = cut_last(&info.name, b'.').unwrap_or((&info.name, ""));
    record.set(names[0], name.unwrap_or(stem));
    record.set(names[1], &*extension.to_ascii_lowercase());
    record.set(names[2], &(info.size as f64));
}

/// Where the objects go, and the key to them.
fn permit(data: &Json, cx: &Answering<'_>) -> Option<Permit> {
    let key = data.member("tempCertificate")?;
    let seconds = |value: Option<u64>| value.map(|seconds| Timestamp(seconds * 1000));
    // By the service's own clock, as it was when it answered.
    let issued = seconds(data.member_whole("timestamp"));
    let life = seconds(key.member_whole("expiredTime")).zip(issued);
    let credential = Credential {
        id: key.member_text("secretId")?,
        secret: key.member_text("secretKey")?,
        token: key.member_text("token")?,
        expires: life.map(|(end, begin)| cx.now + end.since(begin)),
        issued,
    };
    let region = data.member_text("storageRegionV5").filter(|region| !region.is_empty());
    let region = region.or_else(|| data.member_text("StorageRegionV5"))?;
    let app = data.member("storageAppId")?;
    let app = app.whole().map_or_else(|| app.as_text(), |app| decimal(app, 1));
    let bucket = concat(&[&data.member_text("storageBucket")?, "-", &app]);
    let endpoint = concat(&["cos.", &region, ".myqcloud.com"]);
    let target = |object: &str| {
        let path = data.member(object)?.member_text("storagePath")?;
        Some(Target {
            endpoint: endpoint.clone(),
            bucket: bucket.clone(),
            key: path.trim_start_matches('/').into(),
            region: Some(region.clone()),
            via: cx.forwards.then(|| forwarder(data, cx)),
        })
    };
    let is_of_cover = Json::parse(cx.metadata).is_some_and(|told| told.member("fileId").is_some());
    let (video, cover) = (target("video").filter(|_| !is_of_cover), target("cover"));
    let media = Media { session: Some(data.member_text("vodSessionKey")?), ..Media::default() };
    // A cover alone is the file itself.
    let (target, cover) = if video.is_some() { (video, cover) } else { (cover, None) };
    Some(Permit { credential, target: Some(target?), cover, media })
}

/// The host that all requests of a mini program go to.
fn forwarder(data: &Json, cx: &Answering<'_>) -> String {
    let host = data.member_text("MiniProgramAccelerateHost").filter(|host| !host.is_empty());
    let host = host.as_deref().or(cx.endpoint).unwrap_or(HOST).trim_end_matches('/');
    let scheme = if host.starts_with("http") { "" } else { "https://" };
    concat(&[scheme, host])
}

fn committed(data: &Json) -> Option<Answer> {
    let of = |object: &str, name: &str| data.member(object)?.member_text(name);
    Some(Answer::Committed(Media {
        video_id: Some(data.member("fileId")?.as_text()),
        file_url: of("video", "url"),
        cover_url: of("cover", "url"),
        proof: of("video", "verify_content"),
        cover_proof: of("cover", "verify_content"),
        ..Media::default()
    }))
}

fn regions(data: &Json, cx: &Answering<'_>) -> Answer {
    let list = data.member("cosRegionList").and_then(|list| list.items()).unwrap_or_default();
    let region = |item: &Json| {
        let domain = item.member_text("domain")?;
        // By the scheme of a service that is not the vendor's own.
        let is_plain = cx.endpoint.is_some_and(|endpoint| endpoint.starts_with("http:"));
        let scheme = if is_plain { "http://" } else { "https://" };
        Some(Region { name: item.member_text("region")?, url: concat(&[scheme, &domain]) })
    };
    Answer::Regions(list.iter().filter_map(region).collect())
}

const NEW_SIGNATURE: &str = "Have your server make a new signature.";

/// Codes that were seen; there is no list of them.
const CODES: [(f64, ErrorKind, &str); 3] = [
    (
        10001.0,
        ErrorKind::Rejected,
        "The signature must be a plain text, and the file have a name with an extension.",
    ),
    (
        10004.0,
        ErrorKind::Rejected,
        "The signature is wrong: check the SecretKey, and that its times are whole seconds.",
    ),
    (10010.0, ErrorKind::CredentialExpired, NEW_SIGNATURE),
];

/// Classifies a call that the service refused.
fn refusal(call: &Call, code: f64, answer: &Json, status: u16) -> Error {
    let message = answer.member_text("message").unwrap_or_default();
    let is_spent = message.starts_with("duplicate");
    let known = CODES.iter().find(|(known, _, _)| (known - code).abs() < 0.5);
    let (kind, hint) = match known {
        Some((_, kind, hint)) => (*kind, *hint),
        None if is_spent => (ErrorKind::CredentialExpired, NEW_SIGNATURE),
        // What else should it be than the session?
        None if matches!(call, Call::RefreshUpload { .. }) => (ErrorKind::MediaGone, ""),
        None => (ErrorKind::Rejected, ""),
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a code
    let number = decimal(code.abs() as u64, 1);
    let sign = if code < 0.0 { "-" } else { "" };
    Error { status: Some(status), ..Error::new(kind, &concat(&[sign, &number]), &message, hint) }
}

fn unreadable(response: &Response) -> Error {
    Error {
        kind: match response.status {
            500.. => ErrorKind::ServerBusy,
            _ => ErrorKind::Unparsable,
        },
        ..Error::unexpected(response, None)
    }
}
