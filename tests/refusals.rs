//! What each code of the services leads to, in a whole upload.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{Call, Fault, Habits, MB, Manner, Setup, Sim, State};
use vodupload::{Event, FileId};

fn expiries(sim: &Sim) -> usize {
    sim.heard(|event| matches!(event, Event::CredentialExpired { .. }))
}

/// The call that a code is an answer to, and the size that leads to it.
fn world(call: Call, sts: bool) -> (Sim, FileId) {
    let mut setup = Setup { sts, ..Setup::default() };
    if call == Call::Post {
        setup.config.largest_form = u64::MAX;
    }
    let is_small = matches!(call, Call::Post | Call::Put);
    Sim::started(setup, if is_small { MB } else { 8 * MB })
}

#[test]
fn what_cannot_be_mended_fails_at_once_with_the_services_code() {
    for (call, status, code) in [
        (Call::Part, 403, "SignatureDoesNotMatch"),
        (Call::Put, 403, "SignatureDoesNotMatch"),
        (Call::Initiate, 404, "NoSuchBucket"),
        (Call::Initiate, 403, "UserDisable"),
        (Call::Initiate, 403, "OperationDenied"),
        (Call::Put, 409, "FileAlreadyExists"),
        (Call::Complete, 400, "MalformedXML"),
        (Call::Post, 400, "InvalidPolicyDocument"),
        (Call::Post, 400, "EntityTooLarge"),
        (Call::CreateUpload, 403, "OperationDenied.Suspended"),
        (Call::CreateUpload, 400, "InvalidParameter.FileName"),
    ] {
        let (mut sim, file) = world(call, call == Call::CreateUpload);
        sim.fault(call, 0..1, Fault::Say(status, code));
        sim.run();
        assert_eq!((sim.state(file), sim.failure(file)), (State::Failed, Some(code)), "{call:?}");
        assert_eq!((sim.count(call) <= 8, expiries(&sim)), (true, 0), "{call:?} {code}");
        let retryable = sim.events.iter().find_map(|event| match event {
            Event::Failed { error, .. } => Some(error.is_retryable()),
            _ => None,
        });
        assert_eq!(retryable, Some(false), "{code}");
    }
}

#[test]
fn what_passes_is_sent_again() {
    for (call, status, code) in [
        (Call::Part, 400, "RequestTimeout"),
        (Call::Part, 400, "InvalidDigest"),
        (Call::Part, 503, "QpsLimitExceeded"),
        (Call::Part, 504, "GatewayTimeout"),
        (Call::Put, 503, "ServiceUnavailable"),
        (Call::Complete, 500, "InternalError"),
        (Call::Complete, 400, "EntityTooSmall"),
        (Call::Complete, 400, "InvalidPartOrder"),
        (Call::CreateUpload, 503, "ServiceUnavailable"),
    ] {
        let (mut sim, file) = world(call, call == Call::CreateUpload);
        sim.fault(call, 0..1, Fault::Say(status, code));
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{call:?} {code}: {:?}", sim.failure(file));
        assert_eq!((sim.count(Call::Initiate) <= 1, expiries(&sim)), (true, 0), "{code}");
    }
}

#[test]
fn a_bad_answer_to_an_early_renewal_does_no_harm() {
    for manner in [Manner::Rubbish, Manner::Never] {
        let mut sim = Sim::new(Setup {
            tells_expiry: true,
            life: 600_000,
            bandwidth: 200_000,
            ..Setup::default()
        });
        let file = sim.add(520 * MB);
        sim.manners.extend([Manner::Good, manner]);
        sim.give(vodupload::Input::Start);
        sim.run_until(|sim| sim.state(file) != State::Active);
        assert_eq!(sim.state(file), State::Succeeded, "{manner:?}: {:?}", sim.failure(file));
        assert!(expiries(&sim) >= 1 && sim.count(Call::Initiate) == 1, "{manner:?}");
    }
}

#[test]
fn a_look_at_the_object_that_is_never_heard_begins_anew() {
    let (mut sim, file) = world(Call::Complete, false);
    sim.fault(Call::Complete, 0..1, Fault::DropAfter);
    sim.fault(Call::Head, 0..usize::MAX, Fault::DropAfter);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 2, "a HEAD that CORS hides says nothing");
}

#[test]
fn a_bucket_that_hides_etags_and_its_list_fails_with_a_hint() {
    let habits = Habits { hides_headers: true, ..Habits::default() };
    let (mut sim, file) = Sim::started(Setup { habits, ..Setup::default() }, 8 * MB);
    sim.fault(Call::List, 0..usize::MAX, Fault::DropAfter);
    sim.run();
    assert_eq!(sim.failure(file), Some("CorsExposeEtag"));
}
