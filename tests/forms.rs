//! Files that are sent as forms: whole, without a preflight, signed by a policy.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::network::PASSING;
use common::{Call, Fault, Habits, MB, Setup, Sim, State};
use vodupload::{Event, Input};

/// A browser's: small files are forms.
fn browser() -> Setup {
    let mut setup = Setup::default();
    setup.config.largest_form = MB;
    setup
}

/// A mini program's: all files are forms.
fn only_forms() -> Setup {
    let mut setup = Setup::default();
    setup.config.largest_form = u64::MAX;
    setup
}

fn expiries(sim: &Sim) -> usize {
    sim.heard(|event| matches!(event, Event::CredentialExpired { .. }))
}

#[test]
fn a_file_up_to_the_limit_is_a_form_and_a_larger_one_is_not() {
    for (size, forms) in [(1, 1), (MB, 1), (MB + 1, 0)] {
        let (mut sim, file) = Sim::started(browser(), size);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.count(Call::Post), forms, "{size}");
        assert_eq!(sim.sent.len(), if forms == 1 { 1 } else { 4 });
    }
    let (mut sim, file) = Sim::started(only_forms(), 500 * MB);
    sim.run();
    assert_eq!((sim.state(file), sim.sent.len()), (State::Succeeded, 1));
}

#[test]
fn a_form_is_signed_the_old_way_where_no_region_is_known() {
    for endpoint in ["upload.example.test/", "https://oss-cn-beijing.aliyuncs.com"] {
        let (mut sim, file) = Sim::started(Setup { endpoint, ..browser() }, MB);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "the storage recomputes the signature");
        assert_eq!(sim.sent.len(), 1);
    }
}

#[test]
fn a_form_of_which_the_key_expires_soon_is_still_good() {
    // The policy must not outlive the key, nor be over before it is sent.
    for life in [1_000, 60_000, 600_000, 7_200_000] {
        let (mut sim, file) = Sim::started(Setup { tells_expiry: true, life, ..browser() }, MB);
        sim.run();
        assert_eq!((sim.state(file), sim.sent.len()), (State::Succeeded, 1), "{life}");
    }
}

#[test]
fn a_form_that_fails_for_whatever_reason_is_followed_by_a_plain_request() {
    let faults = PASSING.into_iter().filter(|fault| !matches!(fault, Fault::Dawdle | Fault::Gone));
    for fault in faults.chain([Fault::FormRefused, Fault::Refuse, Fault::Skew]) {
        let (mut sim, file) = Sim::started(browser(), MB);
        sim.fault(Call::Post, 0..usize::MAX, fault);
        sim.run();
        let is_harmless = fault == Fault::LosePart;
        assert_eq!(sim.state(file), State::Succeeded, "{fault:?}");
        let sent = (sim.count(Call::Post), sim.count(Call::Put));
        assert_eq!(sent, (1, usize::from(!is_harmless)), "{fault:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_not_tried_in_another_way() {
    let (mut sim, file) = Sim::started(browser(), MB);
    sim.fault(Call::Post, 0..1, Fault::Unreadable);
    sim.run();
    assert_eq!((sim.failure(file), sim.sent.len()), (Some("ReadFileError"), 1));
}

#[test]
fn where_only_forms_can_be_sent_a_form_is_tried_again() {
    for fault in PASSING.into_iter().filter(|fault| *fault != Fault::Gone) {
        let (mut sim, file) = Sim::started(only_forms(), 8 * MB);
        sim.fault(Call::Post, 0..2, fault);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{fault:?}");
        assert_eq!(sim.count(Call::Post), sim.sent.len(), "{fault:?}");
    }
    for (fault, code) in [(Fault::Refuse, "AccessDenied"), (Fault::Trouble, "InternalError")] {
        let (mut sim, file) = Sim::started(only_forms(), 8 * MB);
        sim.fault(Call::Post, 0..usize::MAX, fault);
        sim.run();
        assert_eq!(sim.failure(file), Some(code));
        assert_eq!(sim.sent.len(), if fault == Fault::Refuse { 1 } else { 4 });
    }
}

#[test]
fn a_form_whose_credential_is_over_waits_for_another() {
    for sts in [false, true] {
        for size in [MB, 8 * MB] {
            let (mut sim, file) = Sim::started(Setup { sts, ..only_forms() }, size);
            sim.fault(Call::Post, 0..1, Fault::Expire);
            sim.run();
            assert_eq!((sim.state(file), sim.count(Call::Post)), (State::Succeeded, 2));
            assert_eq!(expiries(&sim), usize::from(!sts));
        }
    }
}

#[test]
fn a_damaged_form_is_sent_again() {
    for (setup, puts) in [(browser(), 1), (only_forms(), 0)] {
        let (mut sim, file) = Sim::started(setup, MB);
        sim.fault(Call::Post, 0..1, Fault::Corrupt);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "the witness saw the whole object");
        assert_eq!((sim.count(Call::Post), sim.count(Call::Put)), (2 - puts, puts));
        assert_eq!(sim.digests, 2);
    }
}

#[test]
fn a_form_that_is_damaged_for_ever_is_given_up() {
    let (mut sim, file) = Sim::started(only_forms(), MB);
    sim.fault(Call::Post, 0..usize::MAX, Fault::Corrupt);
    sim.run();
    assert_eq!(sim.failure(file), Some("InconsistentChecksum"));
    assert_eq!(sim.count(Call::Post), 4);
}

#[test]
fn a_form_is_verified_by_the_body_of_its_answer_where_headers_are_hidden() {
    let habits = Habits { hides_headers: true, ..Habits::default() };
    let (mut sim, file) = Sim::started(Setup { habits, ..browser() }, MB);
    sim.fault(Call::Post, 0..1, Fault::Corrupt);
    sim.run();
    assert_eq!((sim.state(file), sim.digests), (State::Succeeded, 1), "the plain one tells none");
    let (mut sim, file) = Sim::started(Setup { habits, ..only_forms() }, MB);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    let verified = |event: &Event| matches!(event, Event::Succeeded { is_verified: true, .. });
    assert_eq!(sim.heard(verified), 1);
}

#[test]
fn a_wrong_clock_is_found_out_by_the_plain_request() {
    for sts in [false, true] {
        for tells_expiry in [false, true] {
            for endpoint in [Setup::default().endpoint, "upload.example.test/"] {
                for skew in [-2 * 3_600_000, 2 * 3_600_000] {
                    let setup = Setup { skew, tells_expiry, sts, endpoint, ..browser() };
                    let (mut sim, file) = Sim::started(setup, MB);
                    let next = sim.add(MB);
                    sim.run();
                    assert_eq!(sim.state(file), State::Succeeded, "{skew} {endpoint}");
                    assert_eq!(sim.state(next), State::Succeeded, "{skew} {endpoint}");
                    assert_eq!(expiries(&sim), 0, "{skew} {endpoint}");
                    assert!(sim.count(Call::Post) + sim.count(Call::Put) <= 4);
                }
            }
        }
    }
}

#[test]
fn where_only_forms_can_be_sent_a_credential_tells_a_wrong_clock() {
    for endpoint in [Setup::default().endpoint, "upload.example.test/"] {
        for skew in [2 * 3_600_000, -2 * 3_600_000] {
            let setup = Setup { skew, endpoint, tells_expiry: true, ..only_forms() };
            let (mut sim, file) = Sim::started(setup, MB);
            sim.run();
            assert_eq!((sim.state(file), expiries(&sim)), (State::Succeeded, 0), "{skew}");
            // One from the future is refused with the storage's time.
            assert!(sim.sent.len() <= 1 + usize::from(skew > 0), "{skew}");
        }
    }
}

#[test]
fn where_nothing_tells_a_clock_that_is_behind_a_form_asks_once_for_another_credential() {
    // A policy that is over by the storage's clock is refused without a word of
    // what its clock says.
    for (skew, failure, asked) in
        [(2 * 3_600_000, None, 0), (-2 * 3_600_000, Some("AccessDenied"), 1)]
    {
        let (mut sim, file) = Sim::started(Setup { skew, ..only_forms() }, MB);
        sim.run();
        assert_eq!((sim.failure(file), expiries(&sim)), (failure, asked), "{skew}");
    }
}

#[test]
fn a_stop_ends_a_form_and_a_start_sends_it() {
    let (mut sim, file) = Sim::started(only_forms(), 8 * MB);
    sim.run_until(|sim| sim.count(Call::Post) == 1);
    sim.give(Input::Stop);
    sim.run();
    assert_eq!(sim.state(file), State::Stopped);
    sim.give(Input::Start);
    sim.run();
    assert_eq!((sim.state(file), sim.count(Call::Post)), (State::Succeeded, 2));
}
