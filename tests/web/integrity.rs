//! Bytes that are compared with the file, and forms.

use vodupload::{Algorithm, Digest, Hasher};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::world::{CANCEL, OPTIONS, PART, World, begin, options, wait};

/// The CRC-64 of bytes of the host's file, as the storage tells it.
fn crc(start: u64, end: u64) -> String {
    let mut hasher = Hasher::new(Algorithm::Crc64);
    let bytes: Vec<_> = (start..end).map(|at| (at % 251) as u8).collect();
    hasher.update(&bytes);
    match hasher.finish() {
        Digest::Crc64(crc) => crc.to_string(),
        Digest::Md5(_) => unreachable!("it is no MD5"),
    }
}

/// A world whose storage tells the CRC-64 of three parts.
fn three_parts() -> World {
    let world = World::new();
    for part in 0..3 {
        world.tell_crc(part + 1, &crc(u64::from(part) * PART, u64::from(part + 1) * PART));
    }
    world
}

#[wasm_bindgen_test]
async fn what_is_stored_is_read_once_more_in_pieces() {
    let world = World::new();
    let size = 5 << 20;
    world.tell_crc(0, &crc(0, size));
    let options = r#"{"partSize":8388608,"requests":6}"#;
    let _uploader = begin(&world, options, size).await;
    wait(&world, "finished", 1).await;
    assert_eq!(world.operations(), "PutObject");
    assert_eq!(world.readings(), "0-2097152 2097152-4194304 4194304-5242880");
    assert_eq!(world.event("succeeded"), r#"{"type":"succeeded","file":1,"verified":true}"#);
}

#[wasm_bindgen_test]
async fn a_part_that_is_damaged_is_sent_again() {
    let world = three_parts();
    world.fault("UploadPart", "ok damage ok");
    let _uploader = begin(&world, &options(r#""parallel":1"#), 3 * PART).await;
    wait(&world, "finished", 1).await;
    let parts = ["UploadPart"; 4].join(" ");
    assert_eq!(
        world.operations(),
        format!("InitiateMultipartUpload {parts} CompleteMultipartUpload")
    );
    let sent = (1..5).filter(|index| world.request(*index).contains("partNumber=2&"));
    assert_eq!(sent.count(), 2);
    assert_eq!(world.readings().matches("102400-204800").count(), 2);
    assert_eq!(world.event("succeeded"), r#"{"type":"succeeded","file":1,"verified":true}"#);
}

#[wasm_bindgen_test]
async fn a_part_that_stays_damaged_fails_the_file_with_its_number() {
    let world = three_parts();
    world.fault("UploadPart", "ok ok damage");
    let options = options(r#""parallel":1,"retryCount":0"#);
    let _uploader = begin(&world, &options, 3 * PART).await;
    wait(&world, "finished", 1).await;
    let failed = world.event("failed");
    assert!(failed.contains(r#""code":"InconsistentChecksum""#), "{failed}");
    assert!(failed.ends_with(r#""partNumber":3,"retryable":true}}"#), "{failed}");
}

#[wasm_bindgen_test]
async fn a_file_that_cannot_be_read_fails() {
    let world = three_parts();
    world.fault("read", "ok refuse");
    let _uploader = begin(&world, OPTIONS, 3 * PART).await;
    wait(&world, "finished", 1).await;
    let failed = world.event("failed");
    assert!(failed.contains(r#""code":"FileUnreadable","message":"Gone. "#), "{failed}");
    assert!(failed.ends_with(r#""retryable":false}}"#), "{failed}");
    assert!(!world.operations().contains("Complete"), "{}", world.operations());
}

#[wasm_bindgen_test]
async fn a_rate_of_0_reads_nothing() {
    let world = three_parts();
    let _uploader = begin(&world, &options(r#""integrityRate":0"#), 3 * PART).await;
    wait(&world, "finished", 1).await;
    assert_eq!(world.readings(), "");
    assert_eq!(world.event("succeeded"), r#"{"type":"succeeded","file":1,"verified":false}"#);
}

#[wasm_bindgen_test]
async fn a_cancel_ends_what_is_read() {
    let world = World::new();
    world.tell_crc(0, "1");
    world.fault("read", "hang");
    let options = r#"{"partSize":8388608,"requests":6}"#;
    let uploader = begin(&world, options, 5 << 20).await;
    wait(&world, "read", 1).await;
    uploader.tell(CANCEL, 1);
    // A file of its own time: longer than the read takes.
    let later = World::new();
    later.tell_crc(0, &crc(0, 1_000));
    later.fault("read", "hang");
    let _uploader = begin(&later, OPTIONS, 1_000).await;
    wait(&later, "finished", 1).await;
    assert_eq!(world.readings(), "0-2097152");
    assert_eq!(world.story(), "started authorized progress canceled finished");
    assert_eq!((world.operations(), world.traps()), ("PutObject".into(), 0));
}

#[wasm_bindgen_test]
async fn a_small_file_is_a_form_with_all_in_its_fields() {
    let world = World::new();
    world.tell_crc(0, &crc(0, 1_000));
    let _uploader = begin(&world, &options(r#""largestForm":1000"#), 1_000).await;
    let form = world.request(0);
    assert!(
        form.starts_with(concat!(
            r#"{"method":"POST","url":"https://b.oss-cn-shanghai.aliyuncs.com/","headers":[],"#,
            r#""body":{"file":1,"start":0,"end":1000,"fields":[["key","sv/a.mp4"],["#,
        )),
        "{form}"
    );
    for field in [
        r#"["x-oss-signature-version","OSS4-HMAC-SHA256"]"#,
        r#"["x-oss-security-token","t"]"#,
        r#"["x-oss-signature",""#,
        r#"["policy",""#,
    ] {
        assert!(form.contains(field), "{form}");
    }
    let end = r#"["success_action_status","201"],["Content-Type","video/mp4"]]}}"#;
    assert!(form.ends_with(end), "{form}");
    wait(&world, "finished", 1).await;
    assert_eq!(world.operations(), "PostObject");
    assert_eq!(world.event("succeeded"), r#"{"type":"succeeded","file":1,"verified":true}"#);
}

#[wasm_bindgen_test]
async fn a_larger_file_is_no_form_and_a_form_that_is_refused_is_put() {
    let options = options(r#""largestForm":1000"#);
    let world = World::new();
    let _uploader = begin(&world, &options, 1_001).await;
    wait(&world, "finished", 1).await;
    assert_eq!(world.operations(), "PutObject");

    let world = World::new();
    world.fault("PostObject", "refuse");
    let _uploader = begin(&world, &options, 1_000).await;
    wait(&world, "finished", 1).await;
    assert_eq!(world.operations(), "PostObject PutObject");
    assert_eq!(world.story(), "started authorized progress succeeded finished");
}
