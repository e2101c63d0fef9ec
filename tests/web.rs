//! The driver in a browser: real promises, real timers, real JS values.

#![cfg(target_arch = "wasm32")]

#[path = "web/grants.rs"]
mod grants;
#[path = "web/integrity.rs"]
mod integrity;
#[path = "web/world.rs"]
mod world;

use core::time::Duration;

use js_sys::Object;
use vodupload::wasm::Host;
use vodupload::{Checkpoint, FileInfo, Timestamp};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use world::{
    CANCEL, OFFLINE, ONLINE, OPTIONS, PART, Queue, REMOVE, RESUME, START, STOP, World, ask, begin,
    object, options, permit, renewal, set_clock, source, uploader, wait,
};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn a_small_file_is_put_and_every_shape_is_as_core_js_says() {
    let world = World::new();
    let uploader = uploader(&world, OPTIONS);
    uploader.add(1, source(1_000), Object::new().into());
    assert_eq!(world.story(), "");
    uploader.tell(START, 0);
    assert_eq!(uploader.authorize(Some(1), permit()), None, "the record comes first");
    wait(&world, "started", 1).await;
    assert_eq!(world.event("started"), r#"{"type":"started","file":1}"#);
    assert_eq!(uploader.authorize(Some(1), permit()), Some(true));
    assert_eq!(
        world.event("authorized"),
        concat!(
            r#"{"type":"authorized","file":1,"target":{"endpoint":"https://oss-cn-shanghai.aliyuncs.com","#,
            r#""bucket":"b","object":"sv/a.mp4","region":"cn-shanghai"}}"#,
        )
    );
    assert_eq!(uploader.authorize(Some(1), permit()), None, "nobody asked");

    let request = world.request(0);
    assert!(request.starts_with(
        r#"{"method":"PUT","url":"https://b.oss-cn-shanghai.aliyuncs.com/sv/a.mp4","headers":[["content-type","video/mp4"],["x-oss-date","#
    ), "{request}");
    assert!(request.ends_with(r#""body":{"file":1,"start":0,"end":1000}}"#), "{request}");

    wait(&world, "finished", 1).await;
    assert_eq!(world.story(), "started authorized progress succeeded finished");
    assert_eq!(
        world.shape("progress"),
        "type:string file:number sent:number total:number speed:number remaining:undefined"
    );
    assert_eq!(world.event("succeeded"), r#"{"type":"succeeded","file":1,"verified":false}"#);
    assert_eq!(world.event("finished"), r#"{"type":"finished","file":1}"#);
    assert_eq!(world.traps(), 0);
}

#[wasm_bindgen_test]
async fn a_part_that_fails_is_sent_again_when_a_timer_says_so() {
    let world = World::new();
    world.fault("UploadPart", "ok fail fail ok");
    let options = options(r#""parallel":1"#);
    let _uploader = begin(&world, &options, 3 * PART).await;
    wait(&world, "finished", 1).await;
    let parts = ["UploadPart"; 5].join(" ");
    assert_eq!(
        world.operations(),
        format!("InitiateMultipartUpload {parts} CompleteMultipartUpload")
    );
    assert_eq!(world.story(), "started authorized progress succeeded finished");
}

#[wasm_bindgen_test]
async fn a_request_that_stands_still_is_ended_by_a_timer() {
    let world = World::new();
    world.fault("PutObject", "hang");
    let options = options(r#""timeout":50"#);
    let _uploader = begin(&world, &options, 1_000).await;
    wait(&world, "succeeded", 1).await;
    assert_eq!(world.operations(), "PutObject PutObject");
    assert_eq!(world.aborted(), 1);
}

#[wasm_bindgen_test]
async fn a_stop_ends_what_runs_and_a_start_goes_on() {
    let world = World::new();
    world.fault("UploadPart", "ok hang hang hang hang");
    let uploader = begin(&world, OPTIONS, 5 * PART).await;
    wait(&world, "UploadPart", 5).await;
    wait(&world, "progress", 1).await;
    uploader.tell(STOP, 0);
    assert!(world.aborted() >= 4);
    assert_eq!(world.event("stopped"), r#"{"type":"stopped","file":1}"#);
    uploader.tell(START, 0);
    wait(&world, "started", 2).await;
    assert_eq!(uploader.authorize(Some(1), permit()), Some(true));
    wait(&world, "finished", 1).await;
    assert!(world.operations().contains("ListParts"), "{}", world.operations());
    assert_eq!(world.operations().matches("Initiate").count(), 1);
}

#[wasm_bindgen_test]
async fn a_cancel_frees_the_parts() {
    let world = World::new();
    world.fault("UploadPart", "hang hang");
    let uploader = begin(&world, OPTIONS, 2 * PART).await;
    wait(&world, "UploadPart", 2).await;
    uploader.tell(CANCEL, 1);
    assert_eq!(world.aborted(), 2);
    assert_eq!(world.story(), "started authorized progress canceled finished");
    wait(&world, "AbortMultipartUpload", 1).await;
    uploader.tell(RESUME, 1);
    assert_eq!(world.event("queued"), r#"{"type":"queued","file":1}"#);
    uploader.tell(REMOVE, 1);
}

#[wasm_bindgen_test]
async fn a_credential_that_is_over_is_asked_for_once() {
    let world = World::new();
    world.fault("UploadPart", "ok expire expire expire");
    let uploader = begin(&world, OPTIONS, 4 * PART).await;
    assert_eq!(uploader.authorize(None, renewal()), None, "nobody asked");
    wait(&world, "credentialExpired", 1).await;
    assert_eq!(
        world.shape("credentialExpired"),
        concat!(
            "type:string file:number error:{code:string message:string hint:string ",
            "status:number requestId:string partNumber:number retryable:boolean}",
        )
    );
    assert_eq!(uploader.authorize(None, renewal()), Some(true));
    wait(&world, "finished", 1).await;
    assert_eq!(
        world.story(),
        "started authorized progress credentialExpired authorized progress succeeded finished"
    );
}

#[wasm_bindgen_test]
async fn a_bad_renewal_fails_the_file() {
    let world = World::new();
    world.fault("PutObject", "expire");
    let uploader = begin(&world, OPTIONS, 1_000).await;
    wait(&world, "credentialExpired", 1).await;
    assert_eq!(uploader.authorize(None, object(r#"{"uploadAuth":"oops"}"#)), Some(false));
    assert!(world.event("failed").contains(r#""code":"InvalidUploadAuth""#));
}

#[wasm_bindgen_test]
async fn a_reload_goes_on_with_the_same_video() {
    let world = World::new();
    world.fault("UploadPart", "ok ok hang");
    let options = options(r#""parallel":1"#);
    let _gone = begin(&world, &options, 4 * PART).await;
    wait(&world, "UploadPart", 3).await;

    let world = world.reload();
    let uploader = uploader(&world, OPTIONS);
    uploader.add(7, source(4 * PART), JsValue::NULL);
    uploader.tell(START, 0);
    wait(&world, "started", 1).await;
    assert_eq!(world.event("started"), r#"{"type":"started","file":7,"videoId":"VID"}"#);
    assert_eq!(uploader.authorize(Some(7), permit()), Some(true));
    wait(&world, "finished", 1).await;
    assert_eq!(world.operations(), "ListParts UploadPart UploadPart CompleteMultipartUpload");
}

#[wasm_bindgen_test]
async fn a_failure_tells_what_the_service_said() {
    let world = World::new();
    world.fault("PutObject", "refuse");
    let _uploader = begin(&world, OPTIONS, 1_000).await;
    wait(&world, "finished", 1).await;
    let failed = world.event("failed");
    assert!(
        failed.starts_with(
            r#"{"type":"failed","file":1,"error":{"code":"AccessDenied","message":"No. "#
        ),
        "{failed}"
    );
    assert!(
        failed.ends_with(r#""status":403,"requestId":"REQUEST","retryable":false}}"#),
        "{failed}"
    );
}

#[wasm_bindgen_test]
async fn a_failure_without_an_answer_has_neither_status_nor_request_id() {
    let world = World::new();
    world.fault("PutObject", "fail");
    let options = options(r#""retryCount":0"#);
    let _uploader = begin(&world, &options, 1_000).await;
    wait(&world, "finished", 1).await;
    assert_eq!(
        world.event("failed"),
        concat!(
            r#"{"type":"failed","file":1,"error":{"code":"NetworkError","#,
            r#""message":"connection failed","#,
            r#""hint":"","retryable":true}}"#,
        )
    );
}

#[wasm_bindgen_test]
async fn a_failure_of_a_part_tells_which() {
    let world = World::new();
    world.fault("UploadPart", "ok refuse");
    let _uploader = begin(&world, &options(r#""parallel":1"#), 3 * PART).await;
    wait(&world, "finished", 1).await;
    let failed = world.event("failed");
    assert!(failed.contains(r#""partNumber":2,"retryable":false"#), "{failed}");
}

#[wasm_bindgen_test]
async fn a_host_that_throws_is_noticed_and_not_called_again() {
    let world = World::new();
    world.fault("PutObject", "throw");
    let uploader = ask(&world, OPTIONS, source(1_000)).await;
    uploader.authorize(Some(1), permit());
    wait(&world, "trap", 1).await;

    let world = World::new();
    world.set_emit_throws(true);
    let uploader = self::uploader(&world, OPTIONS);
    uploader.add(1, source(1_000), JsValue::UNDEFINED);
    uploader.tell(START, 0);
    wait(&world, "trap", 1).await;
    assert_eq!(world.traps(), 1);
}

#[wasm_bindgen_test]
async fn options_without_sense_are_as_good_as_not_given() {
    for options in ["null", "{}", r#"{"partSize":-1,"parallel":"x","retryCount":null,"timeout":0}"#]
    {
        let world = World::new();
        world.fault("UploadPart", "hang hang hang hang hang hang hang");
        let _uploader = begin(&world, options, 10 << 20).await;
        wait(&world, "UploadPart", 5).await;
        let first = world.request(1);
        assert!(first.ends_with(r#""body":{"file":1,"start":0,"end":1048576}}"#), "{first}");
        assert_eq!(world.operations().matches("UploadPart").count(), 5);
    }
}

#[wasm_bindgen_test]
async fn the_option_cname_is_a_boolean() {
    for (cname, url) in
        [("true", "https://oss-cn-shanghai"), ("false", "https://b.oss-cn-shanghai")]
    {
        let world = World::new();
        let options = options(&format!(r#""cname":{cname}"#));
        let _uploader = begin(&world, &options, 1_000).await;
        assert!(world.request(0).contains(url), "{}", world.request(0));
    }
}

#[wasm_bindgen_test]
async fn overrides_win_and_empty_ones_do_not() {
    let world = World::new();
    let uploader = uploader(&world, OPTIONS);
    let wishes = r#"{"endpoint":"","bucket":"mine","object":"there.mp4"}"#;
    uploader.add(1, source(1_000), object(wishes));
    uploader.tell(START, 0);
    wait(&world, "started", 1).await;
    assert_eq!(uploader.authorize(Some(1), permit()), Some(true));
    assert!(world.request(0).contains(r#""https://mine.oss-cn-shanghai.aliyuncs.com/there.mp4""#));
}

#[wasm_bindgen_test]
async fn sizes_beyond_32_bits_are_whole_numbers() {
    let world = World::new();
    let size = (9 << 30) + 1;
    let options = r#"{"partSize":4294967296,"parallel":3,"requests":6}"#;
    let _uploader = begin(&world, options, size).await;
    wait(&world, "finished", 1).await;
    let last = world.request(3);
    assert!(last.ends_with(r#""body":{"file":1,"start":8589934592,"end":9663676417}}"#), "{last}");
    assert!(world.event("progress").contains(r#""total":9663676417,"#));
}

#[wasm_bindgen_test]
async fn a_clock_that_is_set_back_does_not_turn_signatures_back() {
    let world = World::new();
    world.fault("UploadPart", "fail ok ok");
    let options = options(r#""parallel":1"#);
    let _uploader = begin(&world, &options, 3 * PART).await;
    set_clock(-86_400_000.0);
    let done = JsFuture::from(world.until("finished", 1)).await;
    set_clock(0.0);
    assert!(done.is_ok(), "waits do not last a day: {}", world.operations());
    let dates = world.dates();
    let dates: Vec<_> = dates.split(' ').collect();
    assert_eq!(dates.len(), 6);
    assert!(dates.is_sorted(), "{dates:?}");
    let days: Vec<_> = dates.iter().map(|date| &date[..8]).collect();
    assert!(days.windows(2).all(|pair| pair[0] == pair[1]), "{days:?}");
}

fn info() -> FileInfo {
    FileInfo {
        name: "a.mp4".into(),
        size: 4 * PART,
        last_modified: 1_700_000_000_000,
        content_type: "video/mp4".into(),
        fingerprint: "F".into(),
        ..FileInfo::default()
    }
}

#[wasm_bindgen_test]
fn a_record_is_json_and_comes_back() {
    let now = Timestamp(1_795_238_400_000);
    let record = concat!(
        r#"{"fileName":"a.mp4","object":"sv/我的.mp4","bucket":"b","endpoint":"E","uploadId":"U","#,
        r#""etags":"E1,,E3","userId":"7","state":"Uploading","videoId":"VID","#,
        r#""lastModified":1700000000000,"size":409600,"loaded":0.5,"version":1,"#,
        r#""savedAt":1795238400000,"segments":[[1,102400]]}"#,
    );
    let checkpoint = Checkpoint::from_text(record, &info(), "7", now, Duration::from_hours(168))
        .expect("a good record");
    assert_eq!(checkpoint.parts.len(), 2);
    assert_eq!(checkpoint.segments, [(1, PART)]);
    assert_eq!(checkpoint.to_text(&info(), "7", now, 2 * PART), record);
}

#[wasm_bindgen_test]
async fn what_is_stored_is_such_a_record() {
    let world = World::new();
    world.fault("UploadPart", "ok ok hang");
    let uploader = begin(&world, &options(r#""parallel":1"#), 4 * PART).await;
    wait(&world, "UploadPart", 3).await;
    uploader.tell(STOP, 0);
    let record = world.record("F");
    assert!(
        record.contains(r#""videoId":"VID""#) && record.contains(r#""loaded":0.5"#),
        "{record}"
    );
    let now = Timestamp(js_sys::Date::now() as u64);
    let checkpoint = Checkpoint::from_text(&record, &info(), "7", now, Duration::from_hours(168))
        .expect("a good record");
    assert_eq!((&*checkpoint.upload_id, &*checkpoint.key), ("U", "sv/a.mp4"));
    let etags: Vec<_> = checkpoint.parts.iter().map(|part| &*part.etag).collect();
    assert_eq!(etags, ["E1", "E2"]);
    for secret in ["STS.N", r#""s""#, r#""t""#] {
        assert!(!record.contains(secret), "{record}");
    }
}

#[wasm_bindgen_test]
fn what_is_no_record_is_nothing() {
    let now = Timestamp(1_795_238_400_000);
    for text in ["", "{", "null", "7", "[]", "\"text\"", r#"{"size":409600}"#, "\u{0}"] {
        assert_eq!(
            Checkpoint::from_text(text, &info(), "7", now, Duration::from_hours(168)),
            None,
            "{text}"
        );
    }
}

#[wasm_bindgen_test]
fn values_that_are_no_objects_do_no_harm() {
    let world = World::new();
    for value in [JsValue::UNDEFINED, JsValue::NULL, 7.into(), "text".into(), JsValue::TRUE] {
        let host: Host = world.clone().unchecked_into();
        let uploader = Queue::new(host, value.clone(), f64::NAN);
        uploader.add(1, value.clone(), value.clone());
        uploader.tell(START, 0);
        assert_eq!(uploader.authorize(Some(1), value.clone()), None);
        assert_eq!(uploader.authorize(Some(9), permit()), None);
        assert_eq!(uploader.authorize(None, value), None);
        uploader.tell(OFFLINE, 0);
        uploader.tell(ONLINE, 0);
    }
    assert_eq!(world.traps(), 0);
}
