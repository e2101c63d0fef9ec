//! What an application may answer when it is asked for a credential.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::world::{
    OPTIONS, PART, START, World, ask, begin, object, options, renewal, source, uploader, wait,
};

fn token(more: &str) -> JsValue {
    let token = r#""accessKeyId":"STS.A","accessKeySecret":"s","securityToken":"t""#;
    object(&format!("{{{token}{more}}}"))
}

#[wasm_bindgen_test]
async fn an_sts_token_is_spent_on_a_call_to_vod_whose_answer_is_told() {
    let world = World::new();
    let uploader = ask(&world, OPTIONS, source(1_000)).await;
    assert_eq!(uploader.authorize(Some(1), token("")), Some(true));
    assert_eq!(uploader.authorize(Some(1), token("")), None, "nobody asks while VOD is asked");
    let call = world.request(0);
    let url = "https://vod.cn-shanghai.aliyuncs.com/?AccessKeyId=STS.A&Action=CreateUploadVideo&";
    assert!(call.starts_with(&format!(r#"{{"method":"GET","url":"{url}"#)), "{call}");
    assert!(call.contains("&FileName=a.mp4&FileSize=1000&"), "{call}");
    assert!(call.ends_with(r#"","headers":[]}"#), "{call}");
    wait(&world, "finished", 1).await;
    assert_eq!(world.operations(), "CreateUploadVideo PutObject");
    assert_eq!(world.story(), "started authorized progress succeeded finished");
    assert_eq!(
        world.event("authorized"),
        concat!(
            r#"{"type":"authorized","file":1,"target":{"endpoint":"https://oss-cn-shanghai.aliyuncs.com","#,
            r#""bucket":"b","object":"sv/a.mp4","region":"cn-shanghai","videoId":"VIDEO"}}"#,
        )
    );
}

#[wasm_bindgen_test]
async fn an_image_is_an_image_to_vod_and_what_it_is_called_is_told() {
    let world = World::new();
    let picture = r#"{"name":"a.PNG","size":9,"fingerprint":"P","isImage":true,"metadata":"{\"Vod\":{\"CateId\":5}}"}"#;
    let uploader = ask(&world, OPTIONS, object(picture)).await;
    assert_eq!(uploader.authorize(Some(1), token("")), Some(true));
    let call = world.request(0);
    assert!(call.contains("&Action=CreateUploadImage&CateId=5&"), "{call}");
    wait(&world, "finished", 1).await;
    let authorized = world.event("authorized");
    let names =
        r#""imageId":"IMAGE","imageUrl":"https://img/a.png","fileUrl":"https://oss/a.png"}}"#;
    assert!(authorized.ends_with(names), "{authorized}");
}

#[wasm_bindgen_test]
async fn vod_is_where_the_options_say() {
    for (more, url) in [
        (r#""region":"cn-beijing""#, "https://vod.cn-beijing.aliyuncs.com/?"),
        (r#""region":"cn-beijing","vodEndpoint":"http://vod.test:1""#, "http://vod.test:1/?"),
        (r#""region":"","vodEndpoint":"""#, "https://vod.cn-shanghai.aliyuncs.com/?"),
    ] {
        let world = World::new();
        let uploader = ask(&world, &options(more), source(1_000)).await;
        assert_eq!(uploader.authorize(Some(1), token("")), Some(true));
        assert!(world.request(0).contains(&format!(r#""url":"{url}"#)), "{}", world.request(0));
    }
}

#[wasm_bindgen_test]
async fn with_an_sts_token_a_credential_that_is_over_is_renewed_without_a_question() {
    let world = World::new();
    world.fault("UploadPart", "ok expire");
    let uploader = ask(&world, &options(r#""parallel":1"#), source(3 * PART)).await;
    assert_eq!(uploader.authorize(Some(1), token("")), Some(true));
    wait(&world, "finished", 1).await;
    assert_eq!(
        world.operations(),
        concat!(
            "CreateUploadVideo InitiateMultipartUpload UploadPart UploadPart RefreshUploadVideo ",
            "UploadPart UploadPart CompleteMultipartUpload",
        )
    );
    let story = world.story();
    assert!(
        !story.contains("credentialExpired") && story.ends_with("succeeded finished"),
        "{story}"
    );
}

#[wasm_bindgen_test]
async fn an_sts_token_that_is_over_is_asked_for_again() {
    let world = World::new();
    world.fault("CreateUploadVideo", "expire");
    let uploader = ask(&world, OPTIONS, source(1_000)).await;
    assert_eq!(uploader.authorize(Some(1), token("")), Some(true));
    wait(&world, "credentialExpired", 1).await;
    let asked = world.event("credentialExpired");
    assert!(asked.contains(r#""code":"SecurityTokenExpired""#), "{asked}");
    assert!(asked.contains(r#""requestId":"REQUEST""#), "{asked}");
    assert_eq!(uploader.authorize(None, token("")), Some(true));
    wait(&world, "finished", 1).await;
    assert_eq!(world.operations(), "CreateUploadVideo CreateUploadVideo PutObject");
}

#[wasm_bindgen_test]
async fn a_refusal_of_vod_fails_the_file() {
    let world = World::new();
    world.fault("CreateUploadVideo", "refuse");
    let uploader = ask(&world, OPTIONS, source(1_000)).await;
    assert_eq!(uploader.authorize(Some(1), token("")), Some(true));
    wait(&world, "finished", 1).await;
    let failed = world.event("failed");
    assert!(failed.contains(r#""code":"Forbidden.RAM","message":"No. "#), "{failed}");
    assert!(failed.ends_with(r#""status":403,"requestId":"REQUEST","retryable":false}}"#));
}

#[wasm_bindgen_test]
async fn a_direct_token_goes_to_the_storage_without_vod() {
    for (more, authorization) in [
        (r#""signatureVersion":1"#, r#"["authorization","OSS STS.A:"#),
        (r#""signatureVersion":4"#, r#"["authorization","OSS4-HMAC-SHA256 Credential=STS.A/"#),
        (r#""signatureVersion":0"#, r#"["authorization","OSS4-HMAC-SHA256 Credential=STS.A/"#),
    ] {
        let world = World::new();
        let uploader = ask(&world, &options(more), source(1_000)).await;
        let place = r#","direct":true,"Expiration":3600,"endpoint":"oss-cn-beijing.aliyuncs.com","bucket":"mine","object":"k.mp4""#;
        assert_eq!(uploader.authorize(Some(1), token(place)), Some(true));
        let request = world.request(0);
        let url = r#""url":"https://mine.oss-cn-beijing.aliyuncs.com/k.mp4""#;
        assert!(request.contains(url) && request.contains(authorization), "{request}");
        wait(&world, "finished", 1).await;
        assert_eq!(world.operations(), "PutObject");
        let authorized = world.event("authorized");
        assert!(
            authorized.ends_with(r#""object":"k.mp4","region":"cn-beijing"}}"#),
            "{authorized}"
        );
    }
}

#[wasm_bindgen_test]
async fn a_refusal_fails_the_file_in_its_own_words() {
    let world = World::new();
    let uploader = ask(&world, OPTIONS, source(1_000)).await;
    let refusal = r#"{"refusal":"GetUploadAuthFailed","message":"logged out"}"#;
    assert_eq!(uploader.authorize(Some(1), object(refusal)), Some(false));
    assert_eq!(
        world.event("failed"),
        concat!(
            r#"{"type":"failed","file":1,"error":{"code":"GetUploadAuthFailed","#,
            r#""message":"logged out","hint":"","retryable":true}}"#,
        )
    );
    assert_eq!((world.story(), world.operations()), ("started failed finished".into(), "".into()));
}

#[wasm_bindgen_test]
async fn what_is_no_credential_fails_the_file_and_says_so() {
    let half = object(r#"{"accessKeyId":"STS.A","accessKeySecret":"s"}"#);
    let blank = object(r#"{"uploadAuth":"","uploadAddress":""}"#);
    for (given, code) in [
        (JsValue::UNDEFINED, "InvalidSTSToken"),
        (JsValue::NULL, "InvalidSTSToken"),
        (7.into(), "InvalidSTSToken"),
        ("text".into(), "InvalidSTSToken"),
        (half, "InvalidSTSToken"),
        (blank, "InvalidUploadAuth"),
        (renewal(), "InvalidUploadAddress"),
    ] {
        let world = World::new();
        let uploader = ask(&world, OPTIONS, source(1_000)).await;
        // That the address is missing shows only to the state machine.
        let accepted = code == "InvalidUploadAddress";
        assert_eq!(uploader.authorize(Some(1), given), Some(accepted), "{code}");
        let failed = world.event("failed");
        assert!(failed.contains(&format!(r#""code":"{code}""#)), "{failed}");
        assert!(failed.ends_with(r#""retryable":false}}"#) && !failed.contains(r#""hint":"""#));
    }
}

#[wasm_bindgen_test]
async fn an_application_that_does_not_renew_in_time_fails_the_file() {
    let world = World::new();
    world.fault("PutObject", "expire");
    let _uploader = begin(&world, &options(r#""refreshTimeout":50"#), 1_000).await;
    wait(&world, "finished", 1).await;
    assert_eq!(world.story(), "started authorized progress credentialExpired failed finished");
    assert!(world.event("failed").contains(r#""code":"UploadTokenExpired""#));
}

#[wasm_bindgen_test]
async fn as_many_files_ask_at_once_as_the_option_says() {
    for (parallel, asking) in [(1, 1), (2, 2), (0, 1)] {
        let world = World::new();
        let uploader = uploader(&world, &options(&format!(r#""fileParallel":{parallel}"#)));
        for file in 1..4 {
            uploader.add(file, source(1_000), JsValue::UNDEFINED);
        }
        uploader.tell(START, 0);
        wait(&world, "started", asking).await;
        let waiting = (1..4).filter(|file| uploader.authorize(Some(*file), token("")).is_some());
        assert_eq!(waiting.count() as u32, asking);
    }
}
