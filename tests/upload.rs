//! One file, from its first request to its object.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{Call, Fault, Habits, MB, Setup, Sim, State};
use vodupload::{Config, Event};

fn adaptive() -> Setup {
    Setup { config: Config::default(), bandwidth: 100 * MB, ..Setup::default() }
}

#[test]
fn a_file_becomes_its_object() {
    let (mut sim, file) = Sim::started(Setup::default(), 10 * MB + 5);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.sent.len(), 1 + 11 + 1);
    assert!(sim.storage.is_empty(), "a record outlives its upload");
    assert!(sim.cloud.uploads.is_empty());
}

#[test]
fn a_small_file_is_one_request() {
    for size in [0, 1, 102_399, MB] {
        let (mut sim, file) = Sim::started(Setup::default(), size);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.sent.len(), 1);
        assert_eq!(sim.count(Call::Put), 1);
    }
}

#[test]
fn unicode_names_reach_the_object() {
    let (mut sim, _) = Sim::started(Setup::default(), 2 * MB);
    sim.run();
    let keys: Vec<_> = sim.cloud.objects.keys().map(String::as_str).collect();
    assert_eq!(keys, ["sv/1/v1 测试+(a).mp4"]);
}

#[test]
fn an_endpoint_without_a_region_is_signed_the_old_way() {
    let setup = Setup { endpoint: "upload.example.test/", ..Setup::default() };
    let (mut sim, file) = Sim::started(setup, 3 * MB);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded, "the cloud recomputes the signature");
}

#[test]
fn an_object_is_complete_before_total_is_reported() {
    let (mut sim, file) = Sim::started(Setup::default(), 5 * MB);
    sim.fault(Call::Complete, 0..usize::MAX, Fault::Refuse);
    sim.run();
    assert_eq!(sim.failure(file), Some("AccessDenied"));
    assert!((MB..5 * MB).contains(&sim.shown(file)), "{}", sim.shown(file));
    sim.heal();
    sim.give(vodupload::Input::Start);
    sim.run();
    assert_eq!(sim.shown(file), 5 * MB);
}

#[test]
fn progress_is_told_while_a_part_is_on_its_way() {
    let setup = Setup { bandwidth: 50_000, ..Setup::default() };
    let (mut sim, file) = Sim::started(setup, 3 * MB);
    sim.run_until(|sim| sim.shown(file) > 0);
    assert!(sim.shown(file) < MB, "{}", sim.shown(file));
    sim.run();
    assert!(sim.heard(|event| matches!(event, Event::Progress { .. })) >= 5);
}

#[test]
fn progress_takes_no_byte_back_when_parts_fail() {
    let setup = Setup { overcounts: true, bandwidth: 50_000, ..Setup::default() };
    let (mut sim, file) = Sim::started(setup, 6 * MB);
    sim.fault(Call::Part, 1..4, Fault::Stall);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded, "the witness saw progress rise");
}

#[test]
fn a_host_that_counts_headers_does_not_count_beyond_the_total() {
    for size in [1, 200_000, 3 * MB] {
        let (mut sim, file) = Sim::started(Setup { overcounts: true, ..Setup::default() }, size);
        sim.run();
        assert_eq!(sim.shown(file), size);
    }
}

#[test]
fn parts_grow_on_a_fast_link_and_not_on_a_slow_one() {
    let largest = |setup| {
        let (mut sim, file) = Sim::started(setup, 300 * MB);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        sim.sent.iter().map(|sent| sent.bytes).max()
    };
    assert_eq!(largest(Setup { bandwidth: 400 * MB, ..adaptive() }), Some(32 * MB));
    assert_eq!(largest(Setup { bandwidth: MB, ..adaptive() }), Some(MB));
}

#[test]
fn a_30_gb_file_fits_into_10000_parts() {
    let given = Setup { bandwidth: 100 * MB, ..Setup::default() };
    for setup in [adaptive(), Setup { bandwidth: MB, ..adaptive() }, given] {
        let (mut sim, file) = Sim::started(setup, 30 << 30);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        let highest = sim.sent.iter().map(|sent| sent.number).max();
        assert!(highest <= Some(10_000), "{highest:?}");
    }
}

#[test]
fn hidden_etags_are_listed_once() {
    let habits = Habits { hides_headers: true, page: 3, ..Habits::default() };
    let (mut sim, file) = Sim::started(Setup { habits, ..Setup::default() }, 8 * MB);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::List), 3, "one for each page");
    assert_eq!(sim.count(Call::Part), 8);
}

#[test]
fn hidden_etags_that_may_not_be_listed_are_named() {
    let habits = Habits { hides_headers: true, forbids_list: true, ..Habits::default() };
    let (mut sim, file) = Sim::started(Setup { habits, ..Setup::default() }, 3 * MB);
    sim.run();
    assert_eq!(sim.failure(file), Some("CorsExposeEtag"));
}

#[test]
fn a_log_in_page_is_no_success() {
    for size in [MB, 3 * MB] {
        let (mut sim, file) = Sim::started(Setup::default(), size);
        for call in [Call::Put, Call::Initiate, Call::Part, Call::Complete] {
            sim.fault(call, 0..1, Fault::Portal);
        }
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "the witness saw the whole object");
    }
}
