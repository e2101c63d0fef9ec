//! Endpoints: of another region, accelerated, of one's own.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{Call, Fault, MB, Manner, Setup, Sim, State};
use vodupload::{Event, FileId, Input, Signature};

const HOME: &str = "oss-cn-beijing.aliyuncs.com";

fn away(setup: Setup, size: u64) -> (Sim, FileId) {
    let (mut sim, file) = Sim::started(setup, size);
    sim.cloud.home = Some(HOME);
    (sim, file)
}

#[test]
fn a_file_goes_on_at_the_endpoint_that_the_storage_names() {
    for endpoint in [Setup::default().endpoint, "oss-cn-shanghai.aliyuncs.com"] {
        for size in [MB, 8 * MB] {
            let (mut sim, file) = away(Setup { endpoint, ..Setup::default() }, size);
            sim.run();
            assert_eq!(sim.state(file), State::Succeeded);
            let once = [Call::Put, Call::Initiate].map(|call| sim.count(call));
            assert_eq!(once, if size == MB { [2, 0] } else { [0, 2] }, "once more and no more");
            assert!(sim.target(file).endpoint.ends_with(HOME));
            let told = |event: &Event| matches!(event, Event::Authorized { target, .. } if target.endpoint.ends_with(HOME));
            assert_eq!(sim.heard(told), 1, "the application is told");
        }
    }
}

#[test]
fn the_scheme_stays_what_it_was() {
    let (mut sim, file) =
        away(Setup { endpoint: "http://oss-cn-shanghai.aliyuncs.com", ..Setup::default() }, MB);
    sim.run();
    assert_eq!(sim.target(file).endpoint, format!("http://{HOME}"));
}

#[test]
fn a_second_wrong_endpoint_is_a_refusal() {
    for call in [Call::Put, Call::Initiate] {
        let (mut sim, file) =
            Sim::started(Setup::default(), if call == Call::Put { MB } else { 8 * MB });
        sim.fault(call, 0..2, Fault::Elsewhere);
        sim.run();
        assert_eq!((sim.failure(file), sim.count(call)), (Some("AccessDenied"), 2));
    }
}

#[test]
fn a_form_goes_to_the_named_endpoint_as_a_form() {
    for largest_form in [MB, u64::MAX] {
        let mut setup = Setup::default();
        setup.config.largest_form = largest_form;
        let (mut sim, file) = away(setup, MB);
        sim.run();
        assert_eq!((sim.state(file), sim.count(Call::Post)), (State::Succeeded, 2));
    }
}

#[test]
fn a_bucket_that_moves_in_mid_upload_is_followed_by_all_parts_in_flight() {
    let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
    sim.run_until(|sim| sim.shown(file) > 5 * MB);
    sim.cloud.home = Some(HOME);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 1);
    assert!(sim.count(Call::Part) <= 25, "{}", sim.count(Call::Part));
}

#[test]
fn a_renewal_that_names_the_wrong_endpoint_again_is_no_end() {
    for sts in [false, true] {
        let (mut sim, file) = away(Setup { sts, ..Setup::default() }, 20 * MB);
        sim.fault(Call::Part, 7..8, Fault::Expire);
        sim.fault(Call::Part, 20..21, Fault::Expire);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.count(Call::Initiate), 2, "one upload");
    }
}

#[test]
fn a_reload_and_a_cancel_find_the_way_too() {
    for cancels in [false, true] {
        let (mut sim, file) = away(Setup::default(), 20 * MB);
        sim.run_until(|sim| sim.shown(file) > 5 * MB);
        if cancels {
            sim.cloud.home = Some("oss-cn-hangzhou.aliyuncs.com");
            sim.give(Input::Cancel(file));
            sim.run();
            assert_eq!(sim.state(file), State::Canceled);
        } else {
            sim.reload();
            sim.manners.push_back(Manner::Bare);
            sim.give(Input::Start);
            sim.run();
            assert_eq!(sim.state(file), State::Succeeded);
        }
    }
}

#[test]
fn an_accelerated_endpoint_is_signed_for_the_region_that_the_permit_tells() {
    for (region, expected) in [(Some("cn-shanghai"), "OSS4-HMAC-SHA256"), (None, "OSS STS")] {
        let endpoint = "https://oss-accelerate.aliyuncs.com";
        let (mut sim, file) = Sim::started(Setup { endpoint, region, ..Setup::default() }, 8 * MB);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{:?}", sim.failure(file));
        assert!(sim.authorizations.iter().all(|it| it.starts_with(expected)), "{region:?}");
    }
}

#[test]
fn version_4_takes_the_applications_region_where_the_target_tells_none() {
    for (signature, expected) in [(Signature::V4, "OSS4-HMAC-SHA256"), (Signature::Auto, "OSS STS")]
    {
        let mut setup = Setup { endpoint: "upload.example.test/", ..Setup::default() };
        setup.config.signature = signature;
        let (mut sim, file) = Sim::started(setup, MB);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "the cloud recomputes the signature");
        assert!(sim.authorizations.iter().all(|it| it.starts_with(expected)), "{signature:?}");
    }
}
