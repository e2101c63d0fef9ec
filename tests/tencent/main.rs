//! Uploads to Tencent VOD: a signature for each call, a race, two objects, and
//! a commit. Answers are given by hand.

#![cfg(not(target_arch = "wasm32"))]

use serde_json::{Value, json};
use vodupload::{
    Body, Config, Digest, Error, ErrorKind, Event, FileId, FileInfo, Input, Method, Overrides,
    Response, TokenPurpose,
};

mod world;

use world::{COVER, FILE, MB, SERVER, World, applied, calm, committed, info};

#[test]
fn an_upload_is_applied_for_stored_and_committed_with_a_signature_each() {
    let mut world = World::started(calm(), 1_000, Some(10));
    world.sign(TokenPurpose::Apply);
    let asked = world.serve("ApplyUploadUGC", &applied(true));
    assert_eq!(
        asked,
        json!({
            "signature": "signature 1", "videoName": "a.b", "videoType": "mp4", "videoSize": 1000.0,
            "coverName": "c", "coverType": "jpg", "coverSize": 10.0, "uploadFromWeb": true,
        })
    );
    assert_eq!(world.store(), ["PUT aa11/bb22.mp4", "PUT aa11/cover.jpg"]);
    world.sign(TokenPurpose::Commit);
    let asked = world.serve("CommitUploadUGC", &committed());
    assert_eq!(asked, json!({ "signature": "signature 2", "vodSessionKey": "SESSION" }));
    assert!(matches!(world.ended(), Some(Event::Succeeded { .. })));
    let stored = world.events.iter().filter_map(|event| match event {
        Event::Stored { file, .. } => Some(*file),
        _ => None,
    });
    assert_eq!(stored.collect::<Vec<_>>(), [FILE, COVER]);
    let media = world.events.iter().rev().find_map(|event| match event {
        Event::Authorized { media, .. } => Some(media.clone()),
        _ => None,
    });
    let media = media.expect("told at the end");
    assert_eq!(media.video_id.as_deref(), Some("528589080123"));
    assert_eq!(media.cover_url.as_deref(), Some("http://c"));
    assert_eq!(media.proof.as_deref(), Some("proof"));
    assert_eq!(media.cover_proof.as_deref(), Some("proof of c"));
    assert_eq!(world.storage, None, "no record outlives it");
}

#[test]
fn each_attempt_of_a_call_has_a_signature_of_its_own() {
    for forwards in [false, true] {
        let mut world = World::started(Config { forwards, ..calm() }, 1_000, None);
        for attempt in 1..=3 {
            world.sign(TokenPurpose::Apply);
            let (id, request) = world.take();
            let Body::Text(body) = &request.body else { panic!("{request:?}") };
            assert!(body.contains(&format!("signature {attempt}")), "{body}");
            // The backup host has every other turn, where it can be reached.
            let first = attempt % 2 == 1 || forwards;
            let host = if first { "vod2.qcloud.com" } else { "vod2.dnsv1.com" };
            assert!(request.url.starts_with(&format!("https://{host}/")), "{}", request.url);
            let cut = Error::new(ErrorKind::Network, "NetworkError", "cut", "");
            world.give(Input::Failed(id, cut));
            world.now += 60_000;
            world.give(Input::Tick);
        }
        world.sign(TokenPurpose::Apply);
        world.serve("ApplyUploadUGC", &applied(false));
        assert_eq!(world.store(), ["PUT aa11/bb22.mp4"]);
    }
}

#[test]
fn a_signature_that_is_over_or_used_is_asked_for_anew_but_a_wrong_one_fails() {
    for (code, message) in [(10_010, "expired"), (77, "duplicate vod signature")] {
        let mut world = World::started(calm(), 1_000, None);
        world.sign(TokenPurpose::Apply);
        world.serve("ApplyUploadUGC", &json!({ "code": code, "message": message }));
        world.sign(TokenPurpose::Apply);
        assert_eq!(world.serve("ApplyUploadUGC", &applied(false))["signature"], "signature 2");
    }
    let mut world = World::started(calm(), 1_000, None);
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &json!({ "code": 10_004, "message": "invalid signature" }));
    let error = world.failure().expect("it failed");
    assert_eq!((&*error.code, error.status), ("10004", Some(200)));
    assert!(error.message.contains("SecretKey"), "{error}");
}

#[test]
fn the_first_region_that_answers_wins_the_race() {
    let regions = json!({ "code": 0, "data": { "cosRegionList": [
        { "region": "ap-a", "domain": "a.example" }, { "region": "ap-b", "domain": "b.example" },
        { "region": "ap-c", "domain": "c.example" },
    ]}});
    for winner in [Some("b"), None] {
        let mut world = World::started(Config { races: true, ..calm() }, 1_000, None);
        world.sign(TokenPurpose::Prepare);
        world.serve("PrepareUploadUGC", &regions);
        assert_eq!(world.open.len(), 3, "all at once");
        let (dead, request) = world.take();
        assert_eq!((request.method, &*request.url), (Method::Head, "https://a.example"));
        let broken = Error::new(ErrorKind::Network, "NetworkError", "refused", "");
        world.give(Input::Failed(dead, broken));
        if winner.is_some() {
            let (id, _) = world.take();
            world.give(Input::Responded(id, Response { status: 403, ..Response::default() }));
        } else {
            world.now += 3_000;
            world.give(Input::Tick);
        }
        assert!(world.open.is_empty(), "the others are ended");
        world.sign(TokenPurpose::Apply);
        let asked = world.serve("ApplyUploadUGC", &applied(false));
        assert_eq!(asked["storageRegion"].as_str(), winner.map(|_| "ap-b"));
    }
}

#[test]
fn an_upload_that_was_ended_goes_on_with_its_session() {
    let mut world = World::started(calm(), 3 * MB, None);
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied(false));
    let (id, request) = world.take();
    assert!(request.url.contains("?uploads="), "{}", request.url);
    world.answer(id, "<R><UploadId>UP</UploadId></R>");
    let storage = world.storage.take();
    assert!(
        storage.as_ref().is_some_and(|text| text.contains("SESSION") && !text.contains("hush"))
    );

    let mut next = World::new(calm(), storage.clone());
    next.begin(3 * MB, None);
    next.sign(TokenPurpose::Refresh);
    let asked = next.serve("ApplyUploadUGC", &applied(false));
    assert_eq!(
        asked,
        json!({ "signature": "signature 1", "vodSessionKey": "SESSION", "uploadFromWeb": true })
    );
    let (_, request) = next.take();
    assert!(request.url.contains("?max-parts=1000&part-number-marker=0&uploadId=UP"));

    // A session that is refused is forgotten, and another upload begins.
    let mut next = World::new(calm(), storage);
    next.begin(3 * MB, None);
    next.sign(TokenPurpose::Refresh);
    next.serve("ApplyUploadUGC", &json!({ "code": 10_017, "message": "session" }));
    next.sign(TokenPurpose::Apply);
    assert_eq!(next.serve("ApplyUploadUGC", &applied(false))["videoName"], "a.b");
}

/// All is stored, and VOD does not take it.
fn refused_at_the_end(cover: Option<u64>) -> World {
    let mut world = World::started(calm(), 1_000, cover);
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied(cover.is_some()));
    world.store();
    world.sign(TokenPurpose::Commit);
    world.serve("CommitUploadUGC", &json!({ "code": 10_001, "message": "no" }));
    world
}

#[test]
fn what_is_stored_is_only_committed_after_a_failure() {
    for cover in [None, Some(10)] {
        let mut world = refused_at_the_end(cover);
        assert_eq!(world.failure().map(|error| &*error.code), Some("10001"));
        let storage = world.storage.take();

        let mut next = World::new(calm(), storage);
        next.begin(1_000, cover);
        next.sign(TokenPurpose::Refresh);
        next.serve("ApplyUploadUGC", &applied(cover.is_some()));
        assert!(next.store().is_empty(), "nothing is sent twice");
        next.sign(TokenPurpose::Commit);
        next.serve("CommitUploadUGC", &committed());
        assert!(matches!(next.ended(), Some(Event::Succeeded { is_verified: false, .. })));
    }
}

/// Another upload, for which the first has made room.
fn applied_anew(cover: bool) -> Value {
    let mut answer = applied(cover);
    answer["data"]["video"]["storagePath"] = "/new.mp4".into();
    answer["data"]["vodSessionKey"] = "OTHER".into();
    if cover {
        answer["data"]["cover"]["storagePath"] = "/new.jpg".into();
    }
    answer
}

#[test]
fn a_session_that_is_over_at_the_cover_begins_with_the_video() {
    let mut world = World::started(calm(), 1_000, Some(10));
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied(true));
    let (id, _) = world.take();
    world.answer(id, "");
    let (id, request) = world.take();
    assert!(request.url.ends_with("cover.jpg"), "{}", request.url);
    let body = "<Error><Code>ExpiredToken</Code><Message>m</Message></Error>".into();
    world.give(Input::Responded(id, Response { status: 403, headers: vec![], body }));
    world.sign(TokenPurpose::Refresh);
    world.serve("ApplyUploadUGC", &json!({ "code": 10_018, "message": "session" }));
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied_anew(true));
    assert_eq!(world.store(), ["PUT new.mp4", "PUT new.jpg"]);
    world.sign(TokenPurpose::Commit);
    assert_eq!(world.serve("CommitUploadUGC", &committed())["vodSessionKey"], "OTHER");
}

#[test]
fn what_has_to_be_sent_again_is_not_shown_as_sent() {
    for cover in [None, Some(10)] {
        let mut world = refused_at_the_end(cover);
        world.events.clear();
        world.give(Input::Start);
        world.give(Input::Loaded { file: FILE, text: world.storage.clone() });
        world.sign(TokenPurpose::Refresh);
        world.serve("ApplyUploadUGC", &json!({ "code": 10_018, "message": "session" }));
        world.sign(TokenPurpose::Apply);
        world.serve("ApplyUploadUGC", &applied_anew(cover.is_some()));
        let shown: Vec<_> = world.events.iter().filter_map(progress).collect();
        assert_eq!(shown, [(FILE, 0, 1_000)]);
    }
}

fn progress(event: &Event) -> Option<(FileId, u64, u64)> {
    match event {
        Event::Progress { file, sent, total, .. } => Some((*file, *sent, *total)),
        _ => None,
    }
}

#[test]
fn a_run_after_one_that_ended_at_the_cover_tells_nothing_of_the_cover() {
    let mut world = World::started(calm(), 1_000, Some(3 * MB));
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied(true));
    let (id, _) = world.take();
    world.answer(id, "");
    let (id, _) = world.take();
    world.answer(id, "<R><UploadId>UP</UploadId></R>");
    let (id, request) = world.take();
    assert!(request.url.ends_with("cover.jpg?partNumber=1&uploadId=UP"), "{}", request.url);
    world.answer(id, ""); // so soon that its progress is to be told later
    world.give(Input::Stop);
    world.events.clear();
    world.now += 1_000;
    world.give(Input::Start);
    world.give(Input::Loaded { file: FILE, text: world.storage.clone() });
    world.sign(TokenPurpose::Refresh);
    let (id, _) = world.open[0];
    world.give(Input::Progress(id, 10));
    assert_eq!(world.events.iter().find_map(progress), None);
}

#[test]
fn what_a_call_carries_is_no_byte_of_the_file() {
    let mut world = World::started(calm(), 1_000, None);
    world.sign(TokenPurpose::Apply);
    let (id, _) = world.open[0];
    world.give(Input::Progress(id, 700));
    assert_eq!(world.events.iter().find_map(progress), None);
}

#[test]
fn a_cover_is_compared_though_its_video_was_stored_before() {
    let mut world = World::started(calm(), 1_000, Some(10));
    world.sign(TokenPurpose::Apply);
    world.serve("ApplyUploadUGC", &applied(true));
    let (id, _) = world.take();
    world.answer(id, "");
    let storage = world.storage.take();

    let mut next = World::new(Config { integrity: true, ..calm() }, storage);
    next.begin(1_000, Some(10));
    next.sign(TokenPurpose::Refresh);
    next.serve("ApplyUploadUGC", &applied(true));
    assert_eq!(next.store(), ["PUT aa11/cover.jpg"]);
    let is_told = |file| {
        next.events
            .iter()
            .any(|event| matches!(event, Event::Stored { file: of, .. } if *of == file))
    };
    assert!(is_told(FILE) && !is_told(COVER), "nobody has compared it yet");
}

#[test]
fn a_cover_alone_goes_where_covers_go() {
    let mut world = World::new(calm(), None);
    let metadata = json!({ "fileId": "528" }).to_string();
    let info = FileInfo { metadata, ..info("c.jpg", 10) };
    world.give(Input::Add { file: FILE, info, overrides: Overrides::default() });
    world.give(Input::Start);
    world.give(Input::Loaded { file: FILE, text: None });
    world.sign(TokenPurpose::Apply);
    // Also when the answer has a place for a video.
    let asked = world.serve("ApplyUploadUGC", &applied(true));
    assert_eq!((&asked["fileId"], &asked["coverName"]), (&json!("528"), &json!("c")));
    assert_eq!(world.store(), ["PUT aa11/cover.jpg"]);
}

#[test]
fn a_clock_that_is_wrong_is_corrected_before_the_storage_refuses_it() {
    for skew in [-7_200, 7_200] {
        let mut world = World::new(calm(), None);
        world.now = (SERVER * 1000).checked_add_signed(skew * 1000).unwrap();
        world.begin(1_000, None);
        world.sign(TokenPurpose::Apply);
        world.serve("ApplyUploadUGC", &applied(false));
        let (_, request) = world.take();
        let window = format!("q-sign-time={};{}", SERVER - 60, SERVER + 3_600);
        assert!(format!("{request:?}").contains(&window), "{skew}: {request:?}");
    }
}

#[test]
fn the_nearest_region_can_be_found_ahead_of_uploads() {
    let regions = json!({ "code": 0, "data": { "cosRegionList": [
        { "region": "ap-a", "domain": "a.example" }, { "region": "ap-b", "domain": "b.example" },
    ] } });
    let mut world = World::new(Config { integrity: false, ..Config::default() }, None);
    world.give(Input::Prepare(FileId(9)));
    world.give(Input::Start);
    world.sign_for(FileId(9), TokenPurpose::Prepare);
    world.serve("PrepareUploadUGC", &regions);
    let (id, request) = world.take();
    assert_eq!(request.url, "https://a.example");
    world.answer(id, "");
    let nearest = Event::Nearest { file: FileId(9), region: "ap-a".into() };
    assert!(world.events.contains(&nearest), "{:?}", world.events);
    assert!(matches!(world.ended(), Some(Event::Succeeded { file: FileId(9), .. })));
    assert!(world.open.is_empty(), "the other region is still asked");
    // The upload that follows races no more.
    world.begin(1_000, None);
    world.sign(TokenPurpose::Apply);
    assert_eq!(world.serve("ApplyUploadUGC", &applied(false))["storageRegion"], "ap-a");
}

#[test]
fn a_region_that_is_known_is_not_looked_for_and_none_is_no_failure() {
    let config = Config { nearest: Some("ap-b".into()), integrity: false, ..Config::default() };
    let mut world = World::started(config, 1_000, None);
    world.sign(TokenPurpose::Apply);
    assert_eq!(world.serve("ApplyUploadUGC", &applied(false))["storageRegion"], "ap-b");

    let mut world = World::new(Config::default(), None);
    world.give(Input::Prepare(FILE));
    world.give(Input::Start);
    world.sign(TokenPurpose::Prepare);
    world.serve("PrepareUploadUGC", &json!({ "code": 10004, "message": "invalid signature" }));
    assert!(matches!(world.ended(), Some(Event::Succeeded { .. })), "{:?}", world.events);
    assert!(world.open.is_empty());
}

#[test]
fn a_renewal_that_comes_too_late_does_not_keep_from_the_commit() {
    for is_signed in [false, true] {
        let mut world = World::started(calm(), 3 * MB, None);
        world.sign(TokenPurpose::Apply);
        world.serve("ApplyUploadUGC", &applied(false));
        let (id, _) = world.take();
        world.now += 6_600_000; // shortly before the credential is over
        world.answer(id, "<R><UploadId>UP</UploadId></R>");
        world.give(Input::Tick);
        let parts = std::mem::take(&mut world.open);
        assert_eq!(parts.len(), 3);
        if is_signed {
            world.sign(TokenPurpose::Refresh);
        }
        for (id, _) in parts {
            world.answer(id, "");
        }
        let (id, request) = world.open.pop().expect("a complete call");
        assert!(request.url.ends_with("?uploadId=UP"), "{}", request.url);
        world.answer(id, "<R><ETag>e</ETag></R>");
        assert!(world.open.is_empty(), "{:?}", world.open);
        world.sign(TokenPurpose::Commit);
        world.serve("CommitUploadUGC", &committed());
        assert!(matches!(world.ended(), Some(Event::Succeeded { .. })));
    }
}

/// What is known of an upload that the vendor's SDK has begun.
fn bare_record() -> String {
    json!({ "handedOver": "THEIRS" }).to_string()
}

/// Goes on with that record, up to the search for its parts.
fn adopting(size: u64, uploads: &str) -> World {
    adopting_with(Config { races: false, ..Config::default() }, size, uploads)
}

fn adopting_with(config: Config, size: u64, uploads: &str) -> World {
    let mut world = World::new(config, Some(bare_record()));
    world.begin(size, None);
    world.sign(TokenPurpose::Refresh);
    assert_eq!(world.serve("ApplyUploadUGC", &applied(false))["vodSessionKey"], "THEIRS");
    let (id, request) = world.take();
    let path = ".cos.ap-chongqing.myqcloud.com/?prefix=aa11%2Fbb22.mp4&uploads=";
    assert!(request.url.ends_with(path), "{}", request.url);
    let body = format!("<R><IsTruncated>false</IsTruncated>{uploads}</R>");
    world.answer(id, &body);
    world
}

fn unfinished(key: &str, id: &str) -> String {
    format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>")
}

fn part(number: u32, size: u64, etag: &str) -> String {
    format!(
        "<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag><Size>{size}</Size></Part>"
    )
}

#[test]
fn parts_of_the_vendors_sdk_are_gone_on_with_once_they_are_compared() {
    let digest = "0cc175b9c0f1b6a831c399e269772661";
    let uploads = [
        unfinished("aa11/bb22.mp4", "OLD"),
        unfinished("aa11/bb22.mp4", "NEW"),
        unfinished("aa11/bb22.mp4.jpg", "OTHER"),
    ];
    let mut world = adopting(20 * MB, &uploads.concat());
    let (id, request) = world.take();
    assert!(request.url.ends_with("uploadId=NEW"), "{}", request.url);
    // Of 8 MiB, as by default; one is not theirs, one cannot be compared.
    let parts = [part(1, 8 * MB, digest), part(2, 8 * MB, "not a digest"), part(9, 5, digest)];
    let body = format!("<R><IsTruncated>false</IsTruncated>{}</R>", parts.concat());
    world.answer(id, &body);
    let numbers: Vec<_> = world.open.iter().map(|(_, request)| request.url.clone()).collect();
    let sends =
        |number: u32| numbers.iter().any(|url| url.contains(&format!("partNumber={number}&")));
    assert_eq!([sends(1), sends(2), sends(3)], [false, true, true], "{numbers:?}");
    // Nobody vouches for it before.
    let record: Value = serde_json::from_str(world.storage.as_ref().unwrap()).unwrap();
    assert_eq!((&record["uploadId"], &record["etags"]), (&json!("NEW"), &json!("")));
    let (id, range) = world.digests[0].clone();
    assert_eq!(range, 0..8 * MB);
    world.give(Input::Digested(id, Ok(Digest::Md5("another".into()))));
    assert!(world.open.iter().any(|(_, request)| request.url.contains("partNumber=1&")));
}

#[test]
fn without_parts_of_the_vendors_an_upload_begins() {
    for uploads in [String::new(), unfinished("aa11/bb22.mp4.jpg", "OTHER")] {
        let mut world = adopting(20 * MB, &uploads);
        let (_, request) = world.take();
        assert!(request.url.ends_with("/aa11/bb22.mp4?uploads="), "{}", request.url);
    }
    // Nor where they may not be looked for.
    let mut world = adopting(20 * MB, &unfinished("aa11/bb22.mp4", "NEW"));
    let (id, _) = world.take();
    let body = "<Error><Code>AccessDenied</Code></Error>".into();
    world.give(Input::Responded(id, Response { status: 403, headers: vec![], body }));
    let (_, request) = world.take();
    assert!(request.url.ends_with("/aa11/bb22.mp4?uploads="), "{}", request.url);
}

#[test]
fn parts_of_the_vendors_sdk_are_compared_on_any_link() {
    // Of its own parts, an upload on this link would compare none.
    let config = Config { races: false, integrity_rate: 1, ..Config::default() };
    let uploads = unfinished("aa11/bb22.mp4", "NEW");
    let mut world = adopting_with(config, 24 * MB, &uploads);
    let (id, _) = world.take();
    let parts = part(1, 8 * MB, "0cc175b9c0f1b6a831c399e269772661");
    world.answer(id, &format!("<R><IsTruncated>false</IsTruncated>{parts}</R>"));
    world.store();
    assert_eq!(world.digests.first().map(|(_, range)| range.clone()), Some(0..8 * MB));
    assert_eq!(world.ended(), None, "it ends without");
}
